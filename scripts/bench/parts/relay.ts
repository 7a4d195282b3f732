/**
 * A stream from the provider to the client over Redis, with both halves in one process; and nothing else: no key, no money, no
 * queue, no database.
 */
import { newId } from '../../../src/ids.ts';
import { listen } from './listen.ts';
import { openWayOfChunks } from './way-of-chunks.ts';
import { openRelay } from './wires.ts';

const way = openWayOfChunks(await openRelay());

listen(async (asked, response) => {
  const request = { requestId: newId('req'), ...asked };
  way.answer(request, response);
  const { end } = await way.run(request);
  end();
});
