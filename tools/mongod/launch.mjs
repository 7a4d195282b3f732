/** Starts main.ts through the repository's own tsx. Both are found from this file, so any working directory and any checkout path do. */
import { register } from 'tsx/esm/api';

register();
const { main } = await import('./main.ts');
await main(process.argv.slice(2), process.env);
