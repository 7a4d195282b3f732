import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const FILE_BYTES_MAX = 10 * 1024 * 1024;
const FILES_KEPT = 3;

export type LogFile = { write(line: string): void };

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

/**
 * A log that cannot fill the disk: at 10 MB `api.log` becomes `api.log.1`, and three old ones are kept.
 * @param onFailure told once when writing fails (a full disk); lines are then dropped until it works again.
 */
export function createLogFile(file: string, onFailure: (error: Error) => void, bytesMax = FILE_BYTES_MAX): LogFile {
  mkdirSync(dirname(file), { recursive: true });
  let bytes = sizeOf(file);
  let failing = false;

  function rotate(): void {
    for (let number = FILES_KEPT - 1; number >= 1; number--) {
      if (sizeOf(`${file}.${number}`) > 0) renameSync(`${file}.${number}`, `${file}.${number + 1}`);
    }
    renameSync(file, `${file}.1`);
    bytes = 0;
  }

  return {
    write(line) {
      const text = `${line}\n`;
      try {
        if (bytes > 0 && bytes + text.length > bytesMax) rotate();
        appendFileSync(file, text, { mode: 0o600 });
        bytes += Buffer.byteLength(text);
        failing = false;
      } catch (error) {
        if (!failing) onFailure(error instanceof Error ? error : new Error(String(error)));
        failing = true;
      }
    },
  };
}
