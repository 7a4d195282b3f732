import fc from 'fast-check';
import { runs } from './property-runs.ts';

/** Also those properties that do not say how often they are tried are tried as often as asked for. */
fc.configureGlobal(runs(100));
