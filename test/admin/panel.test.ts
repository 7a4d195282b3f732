import { testCrossSite } from './panel/cross-site.ts';
import { usePanel } from './panel/desk.ts';
import { testCommands } from './panel/giving-commands.ts';
import { testRoles } from './panel/roles.ts';
import { testSearches } from './panel/searches.ts';
import { testSideEffects } from './panel/side-effects.ts';

/** The panel over HTTP: one back-office for all of it, because starting one and signing in takes longest. */

usePanel();
testRoles();
testCommands();
testCrossSite();
testSearches();
testSideEffects();
