import { newId } from '../../src/ids.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Request, type RequestDocument } from '../../src/models/request.ts';

/** A finished, settled request of an account. Gives its id. */
export async function accountRequest(
  accountId: string,
  costMicros = 1_000_000n,
  content: Pick<RequestDocument, 'input' | 'result' | 'resultKind'> = {},
  requestId = newId('req'),
): Promise<string> {
  const row = { _id: requestId, accountId, keyId: newId('key'), model: 'm', state: 'done', settled: true, attempt: 1 };
  await nativeCollection<RequestDocument>(Request).insertOne({
    ...row,
    holdMicros: costMicros,
    costMicros,
    stream: false,
    createdAt: new Date(),
    ...content,
  } as unknown as RequestDocument);
  return requestId;
}
