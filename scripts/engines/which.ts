import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

/** The first executable file of that name in the folders of `searchPath` (as in the PATH variable). */
export function which(name: string, searchPath: string): string | undefined {
  for (const folder of searchPath.split(path.delimiter).filter((entry) => entry !== '')) {
    const file = path.join(folder, name);
    if (isExecutable(file)) return file;
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
