import { describe, expect, it } from '@jest/globals';
import type { Document } from 'mongodb';
import mongoose from 'mongoose';
import { fromAddress, toAddress } from '../../../src/admin/panel/record-id.ts';
import { PanelResource } from '../../../src/admin/panel/resource.ts';
import { REQUESTS } from '../../../src/admin/panel/specs-traffic.ts';
import { nativeCollection } from '../../../src/models/connect.ts';
import { member, panel } from './desk.ts';

const admin = { currentAdmin: { role: 'admin' } } as never;
const cipher = { open: () => Promise.reject(new Error('nothing is sealed here')) };

/** How lists are searched, and how they are not. */
export function testSearches(): void {
  it.each(['openai/gpt-4o', 'a~b', 'a/b#12', 'acc_01', '~2f', 'a b?c=d&e%2f'])(
    'the id %s stands in addresses and comes back',
    (id) => {
      expect(toAddress(id)).toMatch(/^[\w:@.~-]+$/);
      expect(fromAddress(toAddress(id))).toBe(id);
    },
  );

  describe('a search', () => {
    const list = (query: string) => member('admin').visitor.read(`requests/actions/list?${query}`);
    const idsOf = (body: Record<string, unknown>) => (body.records as { id: string }[]).map(({ id }) => id);

    it('finds by account, state, beginning of the id and time', async () => {
      expect(idsOf((await list(`filters.accountId=${panel().seeded.accountId}`)).body)).toHaveLength(2);
      expect(idsOf((await list('filters.state=done')).body)).toEqual([panel().seeded.requestId]);
      expect(idsOf((await list(`filters.id=${panel().seeded.requestId.slice(0, 29)}`)).body)).toContain(
        panel().seeded.requestId,
      );
      const from = new Date(Date.now() - 3_600_000).toISOString();
      expect(idsOf((await list(`filters.createdAt~~from=${from}`)).body)).toHaveLength(2);
      expect(idsOf((await list(`filters.createdAt~~to=${from}`)).body)).toHaveLength(0);
      expect((await list('filters.model=other')).body).toMatchObject({ records: [], meta: { total: 0 } });
    });

    it.each([
      'filters.state.$ne=done',
      'filters.accountId.$gt=',
      'filters.input=x',
      'filters.$where=1',
      'filters.__proto__.x=1',
      'filters.createdAt~~$gt=2026-01-01',
      'filters.createdAt~~from=yesterday',
      'filters.accountId=%7B%22$ne%22:null%7D',
      'filters.state=nothing',
    ])('%s is refused, or finds what no filter finds', async (query) => {
      const { status, body } = await list(query);
      if (status === 200)
        expect(idsOf(body).sort()).toEqual([panel().seeded.requestId, panel().seeded.openRequestId].sort());
      else expect(status).toBe(400);
    });

    it('by what no index finds looks at the newest only, as many as it is allowed to, in either order', async () => {
      const found = async (scanMax: number, name: string, value: string, direction: 'asc' | 'desc' = 'desc') => {
        const filter = () => ({ filters: { [name]: { path: name, value } } }) as never;
        const resource = new PanelResource({ ...REQUESTS, scanMax }, cipher);
        const records = await resource.find(filter(), { limit: 10, sort: { direction } }, admin);
        return [records.length, await resource.count(filter(), admin)];
      };
      expect(await found(1, 'state', 'done')).toEqual([0, 0]);
      expect(await found(1, 'state', 'done', 'asc')).toEqual([0, 0]);
      expect(await found(2, 'state', 'done', 'asc')).toEqual([1, 1]);
      expect(await found(1, 'mode', 'async', 'asc')).toEqual([1, 1]);
      // A key's requests are found among those of its account, however many others are newer.
      expect(await found(1, 'keyId', panel().seeded.keyId)).toEqual([2, 2]);
      expect(await found(1, 'keyId', 'none')).toEqual([0, 0]);
    });

    it('counts alike on every page, whether or not the page is full', async () => {
      const pages = await Promise.all([1, 2, 3].map((page) => list(`perPage=1&page=${page}`)));
      expect(pages.map(({ body }) => [idsOf(body).length, (body.meta as { total: number }).total])).toEqual([
        [1, 2],
        [1, 2],
        [0, 2],
      ]);
      expect((await list('perPage=10')).body).toMatchObject({ meta: { total: 2 } });
    });

    it('is not counted where the page tells that there are more than are counted', async () => {
      const collection = 'many_rows';
      const many = nativeCollection<{ _id: string }>({ collection: { collectionName: collection } });
      await many.insertMany(Array.from({ length: 10_001 }, (_, n) => ({ _id: `row_${String(n).padStart(5, '0')}` })));
      const resource = new PanelResource({ ...REQUESTS, collection }, cipher);
      const sent: unknown[] = [];
      const keep = ({ command }: { command: Document }) => {
        if (command.aggregate === collection) sent.push(command);
      };
      const client = mongoose.connection.getClient().on('commandStarted', keep);
      const page = async (offset: number) => {
        const filter = { filters: {} } as never;
        const found = await resource.find(filter, { limit: 20, offset }, admin);
        return [found.map(({ params }) => String(params.id)).at(-1), await resource.count(filter, admin)];
      };
      expect(await page(9_980)).toEqual(['row_00001', 10_000]);
      expect(sent).toHaveLength(1);
      expect(await page(10_000)).toEqual(['row_00000', 10_000]);
      expect(sent).toHaveLength(2);
      expect(await page(9_960)).toEqual(['row_00021', 10_000]);
      client.off('commandStarted', keep);
    });

    it('is bounded however much is asked for', async () => {
      const { body } = await list('perPage=100000&page=1');
      expect(idsOf(body).length).toBeLessThanOrEqual(100);
      for (const query of ['page=-5', 'page=x', 'page=1e9', 'perPage=-1', 'perPage=x', 'sortBy=input&direction=x'])
        expect((await list(query)).status).toBe(200);
    });
  });
}
