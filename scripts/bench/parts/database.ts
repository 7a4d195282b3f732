/** The writes of a request in their order, and nothing else. */
import { asPart, type PartCall, runPart } from './part-run.ts';
import { openWrites, type Writes } from './writes.ts';

/** As large as the sealed answers of the benchmark's requests. */
const RESULT = Buffer.alloc(700, 7);

async function answerPath(writes: Writes) {
  const request = await writes.accept(false);
  const attempt = await writes.claim(request._id);
  await writes.finish(request._id, attempt, RESULT);
  return request;
}

function call(writes: Writes): PartCall {
  const request = answerPath(writes);
  return { path: request.then(() => undefined), whole: request.then(writes.settle) };
}

async function main(windowMs: number, heatMs: number): Promise<void> {
  const writes = await openWrites();
  await runPart(windowMs, heatMs, () => call(writes));
  await writes.close();
}

await asPart(main);
