/** Tests with whole systems of processes take longest, so they start first: a worker of jest is never left alone with one. */
import sequencer from '@jest/test-sequencer';

const Sequencer = sequencer.default ?? sequencer;
const LONG = /[\\/]test[\\/](flows[\\/]|admin[\\/]walk-|start\.test|simulation[\\/]simulation)/;

export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    const isLong = ({ path }) => LONG.test(path);
    return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
  }
}
