import { beforeAll, expect, it } from '@jest/globals';
import { toAddress } from '../../src/admin/panel/record-id.ts';
import { Account } from '../../src/models/account.ts';
import { Adjustment } from '../../src/models/adjustment.ts';
import { AiModel, Price } from '../../src/models/ai-model.ts';
import { PriceProposal } from '../../src/models/price-proposal.ts';
import { Ticket } from '../../src/models/ticket.ts';
import { picture } from './browser.ts';
import { type Seeded, seedPanel } from './seed.ts';
import { describeWalk, submit } from './walk.ts';

/** In the browser: where each button over a record ends. */
const RIGHT_ENDS =
  "[...document.querySelectorAll('.adminjs_ButtonGroupItem')].map((one) => one.getBoundingClientRect().right)";

describeWalk(
  'money in the back-office',
  { roles: ['support', 'finance', 'admin'], expectedComplaints: /changeModel: .* 409/ },
  (walk) => {
    let seeded: Seeded;
    beforeAll(async () => {
      seeded = await seedPanel(walk.office);
    });

    it('moves money only when a second person approves what a first one proposed', async () => {
      const available = async () => (await Account.findById(seeded.accountId).lean())?.availableMicros ?? 0n;
      const before = await available();
      const first = await walk.openAs('support', 'ru');
      await first.goto(`${walk.office.url}/admin/resources/accounts/records/${seeded.accountId}/adjust`);
      await first.fill('#rubles', '150,50');
      await first.fill('#reason', 'Возмещение за сбой 24 ноября');
      await picture(first, '14-propose-ru');
      await submit(first, 'adjust');
      await first.context().close();
      const proposed = await Adjustment.findOne({ amountMicros: 150_500_000n }).lean();
      expect(await available()).toBe(before);

      const second = await walk.openAs('finance', 'en');
      await second.goto(`${walk.office.url}/admin/resources/adjustments/records/${proposed?._id}/show`);
      await second.click('a:has-text("Approve"), button:has-text("Approve")');
      await second.fill('#reason', 'Agreed with the head of support');
      await picture(second, '15-approve-en');
      await submit(second, 'approve');
      expect(await available()).toBe(before + 150_500_000n);
      await second.goto(`${walk.office.url}/admin/resources/adjustments/records/${proposed?._id}/show`);
      await second.waitForSelector('[data-value=executed]');
      await picture(second, '16-executed-en');
      await second.context().close();
    });

    it('changes a price when an admin approves what finance proposed', async () => {
      const first = await walk.openAs('finance', 'en');
      await first.goto(`${walk.office.url}/admin/resources/prices`);
      await first.waitForSelector('[data-css="prices-table-row"]');
      await first.goto(`${walk.office.url}/admin/resources/prices/actions/propose`);
      await first.fill('#modelId', seeded.modelId);
      await first.fill('#validFrom', '2036-01-01T00:00');
      await first.fill('#input', '90');
      await first.fill('#output', '350.5');
      await first.fill('#reason', 'The upstream became cheaper');
      await picture(first, '17-propose-price-en');
      await submit(first, 'propose');
      await first.context().close();
      const proposal = await PriceProposal.findOne({ inputMicrosPerMillion: 90_000_000n }).lean();

      const second = await walk.openAs('admin', 'ru');
      await second.goto(`${walk.office.url}/admin/resources/proposals/records/${proposal?._id}/approvePrice`);
      await second.fill('#reason', 'Согласовано с финансами');
      await picture(second, '18-approve-price-ru');
      await submit(second, 'approvePrice');
      // Midnight in the operator's zone.
      expect(await Price.findById(proposal?._id).lean()).toMatchObject({ validFrom: new Date('2035-12-31T21:00:00Z') });
      await second.goto(`${walk.office.url}/admin/resources/models/records/${toAddress(seeded.modelId)}/show`);
      await second.waitForSelector('[data-related=prices] tbody tr');
      await picture(second, '19-model-ru');
      const change = `${walk.office.url}/admin/resources/models/records/${toAddress(seeded.modelId)}/changeModel`;
      const shorten = async () => {
        await second.goto(change);
        await second.waitForSelector('[data-command=changeModel] #outputTokensDefault');
        expect(await second.inputValue('#outputTokensMax')).toBe('4000');
        await second.fill('#outputTokensDefault', '500');
        await second.fill('#reason', 'Ответы короче');
      };
      await shorten();
      await AiModel.updateOne({ _id: seeded.modelId }, { $inc: { version: 1 } });
      await submit(second, 'changeModel', 'refused');
      await picture(second, '27-stale-model-ru');
      await shorten();
      await submit(second, 'changeModel');
      expect(await AiModel.findById(seeded.modelId).lean()).toMatchObject({ outputTokensDefault: 500 });
      await second.context().close();
    });

    it('gives money back from a ticket when a second person approves', async () => {
      const first = await walk.openAs('support', 'ru');
      const ticket = `${walk.office.url}/admin/resources/tickets/records/${seeded.ticketId}`;
      await first.goto(`${ticket}/show`);
      await first.waitForSelector('[data-message=customer]');
      await picture(first, '20-ticket-ru');
      const ends = await first.evaluate(RIGHT_ENDS);
      expect(Math.max(...(ends as number[]))).toBeLessThanOrEqual(1_440);
      await first.goto(`${ticket}/refundTicket`);
      await first.fill('#rubles', '1,23');
      await first.fill('#reason', 'Ответ оборвался');
      await picture(first, '21-refund-ru');
      await submit(first, 'refundTicket');
      await first.context().close();
      const [adjustmentId] = (await Ticket.findById(seeded.ticketId).lean())?.adjustmentIds ?? [];
      const before = (await Account.findById(seeded.accountId).lean())?.availableMicros ?? 0n;

      const second = await walk.openAs('finance', 'en');
      await second.goto(`${walk.office.url}/admin/resources/adjustments/records/${adjustmentId}/approve`);
      await second.fill('#reason', 'Seen the ticket');
      await submit(second, 'approve');
      expect((await Account.findById(seeded.accountId).lean())?.availableMicros).toBe(before + 1_230_000n);
      await second.context().close();
    });
  },
);
