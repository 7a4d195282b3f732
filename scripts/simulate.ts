/** stub */
import { simulate } from '../test/simulation/simulate.ts';
import { mutantNamed } from '../test/simulation/mutants.ts';
const [from = '1', to = '20', name] = process.argv.slice(2);
const mutant = name ? mutantNamed(name) : undefined;
const t = performance.now();
let bad = 0, steps = 0;
for (let seed = Number(from); seed <= Number(to); seed++) {
  const r = await simulate(seed, { ...(mutant ? { mutant } : {}), ...(process.env.TRACE ? { trace: console.log } : {}) });
  steps += r.steps;
  if (r.violations.length) { bad++; console.log(seed, r.violations.slice(0, 2)); if (mutant) break; }
  if (Number(to) - Number(from) < 3) console.log(r);
}
console.log({ bad, ms: performance.now() - t, steps });
process.exit(0);
