import { expect, test } from '@jest/globals';
import { mayInline, webhookEvent } from '../../src/webhooks/event.ts';

const thin = {
  deliveryId: 'evt_1',
  type: 'request.completed',
  createdAt: new Date('2027-01-01T00:00:00.999Z'),
  data: { id: 'req_1', state: 'done' },
} as const;

test('an event is the OpenAI envelope with whole seconds', () => {
  expect(webhookEvent(thin)).toBe(
    '{"id":"evt_1","object":"event","type":"request.completed","created_at":1798761600,"data":{"id":"req_1","state":"done"}}',
  );
});

test('an inline answer keeps its bytes, numbers included', () => {
  const json = '{"big":12345678901234567890,"float":1.0,"text":"я"}';
  const text = webhookEvent({ ...thin, response: { json, bytesMax: Buffer.byteLength(json) } });
  expect(text).toContain(`"state":"done","response":${json}}}`);
  expect(JSON.parse(text)).toMatchObject({ data: { id: 'req_1', response: { text: 'я' } } });
  expect(webhookEvent({ ...thin, data: {}, response: { json: '{}', bytesMax: 9 } })).toContain(
    '"data":{"response":{}}',
  );
});

test('an answer that is too large, broken or not an object is left out', () => {
  const json = '{"text":"я"}';
  expect(webhookEvent({ ...thin, response: { json, bytesMax: Buffer.byteLength(json) - 1 } })).toBe(webhookEvent(thin));
  for (const other of ['', '{"a":1', '[1]', 'null', '1', '{},"x":{}']) {
    expect(mayInline({ json: other, bytesMax: 100 })).toBe(false);
  }
  expect(mayInline(undefined)).toBe(false);
});
