import { once } from 'node:events';
import { ConfigError, loadConfig } from '../config.ts';
import { createLifecycle, runUntilSignal } from '../lifecycle.ts';
import { createLogger } from '../log.ts';
import { createPlaceholder } from './placeholder.ts';

async function main(): Promise<void> {
  const config = loadConfig();
  const log = createLogger({ role: 'admin', level: config.logLevel });
  const lifecycle = createLifecycle(log);
  const server = createPlaceholder();
  server.listen(config.admin.port, config.admin.host);
  await once(server, 'listening');
  lifecycle.defer('http', () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  runUntilSignal(lifecycle, log, config.stopGraceMs);
  log.info({ port: config.admin.port, address: config.admin.host }, 'listening');
}

await main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
});
