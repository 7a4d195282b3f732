import { expect, it } from '@jest/globals';
import { noCounts } from '../../src/queue/rates.ts';
import { createTally } from '../../src/workers/tally.ts';

it('counts each job once: under its queue, as done or failed, and as neither when it only waits on', () => {
  const tally = createTally();
  tally.started({ interactive: 3, background: 0, webhooks: 2, maintenance: 0 });
  tally.ended('runRequest', 'done', 1);
  tally.ended('runRequest', 'snooze', 1);
  tally.ended('deliverWebhook', 'error', 1);
  tally.ended('deliverWebhook', 'cancel', 1);
  expect(tally.take()).toEqual({
    ...noCounts(),
    interactive: { started: 3, finished: 1, failed: 0 },
    webhooks: { started: 2, finished: 0, failed: 2 },
  });
  expect(tally.take()).toEqual(noCounts());
});
