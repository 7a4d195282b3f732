import { once } from 'node:events';
import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';

/** Files as one ZIP, each made when its turn comes, so that no more than one is in memory. */

export type ZipEntry = { name: string; content: Buffer | AsyncIterable<string | Uint8Array> };

/**
 * The bytes of a ZIP of these files. Whoever stops reading stops their making; what fails while a file is made fails here.
 * @param at the date of every file.
 */
export async function* zipOf(entries: AsyncIterable<ZipEntry>, at: Date): AsyncGenerator<Uint8Array> {
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  const fail = (error: unknown) => output.destroy(error instanceof Error ? error : new Error(String(error)));
  zip.on('error', fail);
  const filling = fill(zip, output, entries, at).catch(fail);
  try {
    yield* output as AsyncIterable<Uint8Array>;
  } finally {
    output.destroy();
    await filling;
  }
}

async function fill(zip: ZipFile, output: Readable, entries: AsyncIterable<ZipEntry>, at: Date): Promise<void> {
  const gone = once(output, 'close').catch(() => undefined);
  for await (const { name, content } of entries) {
    if (output.destroyed) return;
    const source = Readable.from(Buffer.isBuffer(content) ? [content] : content);
    zip.addReadStream(source, name, { mtime: at });
    await Promise.race([once(source, 'close'), gone]);
    source.destroy();
  }
  zip.end();
}
