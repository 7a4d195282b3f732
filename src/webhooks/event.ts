import type { DeliveryType } from '../models/delivery.ts';

/**
 * The body of a webhook. Thin by default: `data` names what happened, and the receiver reads the rest by its id. An
 * answer that is small enough is put inline, byte for byte as the client would read it.
 */

/** The answer's JSON text as stored, and the largest size that goes inline (`config.webhooks.inlineBytesMax`). */
export type InlineResponse = { json: string; bytesMax: number };

export type EventOptions = {
  deliveryId: string;
  type: DeliveryType;
  createdAt: Date;
  /** Must serialise to a JSON object. */
  data: Readonly<Record<string, unknown>>;
  /** Becomes `data.response` when it may be inlined; left out otherwise. */
  response?: InlineResponse | undefined;
};

/** Whether an answer goes inline: present, not above the limit, and one valid JSON object. */
export function mayInline(response: InlineResponse | undefined): response is InlineResponse {
  if (!response || response.json === '' || Buffer.byteLength(response.json) > response.bytesMax) return false;
  try {
    const value: unknown = JSON.parse(response.json);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** JSON text of `{"id","object":"event","type","created_at","data"}`; `created_at` is in seconds. */
export function webhookEvent({ deliveryId, type, createdAt, data, response }: EventOptions): string {
  const members = JSON.stringify(data).slice(1, -1);
  // Spliced as text: parsing and printing again could change the digits of a number.
  const inline = mayInline(response) ? `${members === '' ? '' : ','}"response":${response.json}` : '';
  const head = JSON.stringify({
    id: deliveryId,
    object: 'event',
    type,
    created_at: Math.floor(createdAt.getTime() / 1_000),
  });
  return `${head.slice(0, -1)},"data":{${members}${inline}}}`;
}
