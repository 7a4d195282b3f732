import { loadSandboxConfig } from '../config.ts';
import { createSandbox } from './server.ts';

const config = loadSandboxConfig();
const sandbox = createSandbox({ host: config.host, apiKey: config.apiKey });
const listening = await sandbox.listen(config.port);
console.log(`sandbox provider on http://${config.host}:${listening.port}/v1`);

async function stop(): Promise<void> {
  await listening.close();
  process.exit(0);
}

process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
