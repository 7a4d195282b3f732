/** `npm start`: from a fresh clone to a running Ocelotiq. Needs nothing but Node; see up.ts for what runs then. */
import { checkNode } from './setup/check-node.mjs';

checkNode();
const { fail } = await import('./setup/failure.mjs');
try {
  const { createProgress } = await import('./setup/progress.mjs');
  const { setUp } = await import('./setup.mjs');
  await setUp(createProgress());
  // In this very process: one supervisor, so that Ctrl-C and npm's forwarded signals have one place to arrive.
  const { register } = await import('tsx/esm/api');
  register();
  await import('./up.ts');
} catch (error) {
  fail(error);
}
