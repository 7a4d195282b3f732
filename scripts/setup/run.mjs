/** Runs one command to its end, and takes it along when this process is told to stop. */
import { spawn } from 'node:child_process';

const OUTPUT_CHARACTERS_MAX = 64 * 1024;
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
const STOP_MS = 5_000;

/** Passes signals to the child while it runs; this process then ends when the child has. */
function relaySignals(child) {
  let stopCode;
  const relay = (signal) => {
    stopCode = EXIT_CODES[signal];
    child.kill(signal);
    setTimeout(() => process.exit(stopCode), STOP_MS).unref();
  };
  for (const signal of Object.keys(EXIT_CODES)) process.on(signal, relay);
  return () => {
    for (const signal of Object.keys(EXIT_CODES)) process.off(signal, relay);
    if (stopCode !== undefined) process.exit(stopCode);
  };
}

/**
 * @param quiet collects the output instead of showing it.
 * @param timeoutMs kills the command after this time; 0 is never.
 * @returns exit code (1 when ended by a signal) and the last 64 k characters of collected output.
 */
export function run(command, args, { cwd, env = process.env, quiet = false, timeoutMs = 0 } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
    const stopRelaying = relaySignals(child);
    let output = '';
    const collect = (chunk) => {
      output = (output + chunk).slice(-OUTPUT_CHARACTERS_MAX);
    };
    child.stdout?.setEncoding('utf8').on('data', collect);
    child.stderr?.setEncoding('utf8').on('data', collect);
    const timer = timeoutMs > 0 ? setTimeout(() => child.kill('SIGKILL'), timeoutMs) : undefined;
    const finish = (code) => {
      clearTimeout(timer);
      stopRelaying();
      resolve({ code: code ?? 1, output });
    };
    child.once('error', (error) => {
      output += error.message;
      finish(127);
    });
    child.once('close', finish);
  });
}
