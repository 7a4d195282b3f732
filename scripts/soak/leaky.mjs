/**
 * A process that leaks on purpose: what a soak would have to notice. `node leaky.mjs memory|descriptors|none <seconds>`
 * spreads a bounded leak over that time, then only waits; it ends when its parent is gone.
 */
import { openSync } from 'node:fs';

const MEMORY_BYTES_MAX = 256 * 1024 * 1024;
const DESCRIPTORS_MAX = 200;
const STEP_MS = 100;

const [kind = 'none', seconds = '10'] = process.argv.slice(2);
const stepsMax = Math.max(1, (Number(seconds) * 1_000) / STEP_MS);
const kept = [];
let steps = 0;

setInterval(() => {
  if (steps++ >= stepsMax) return;
  if (kind === 'memory') kept.push(Buffer.alloc(Math.floor(MEMORY_BYTES_MAX / stepsMax), 1));
  while (kind === 'descriptors' && kept.length < (steps * DESCRIPTORS_MAX) / stepsMax)
    kept.push(openSync('/dev/null', 'r'));
}, STEP_MS);
process.send?.('ready');
process.on('disconnect', () => process.exit(0));
