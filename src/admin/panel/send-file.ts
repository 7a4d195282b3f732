import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import type { GivenFile } from '../../operations/define.ts';

/** Sends a file to be saved, never to be shown by the browser. Its name is of our making. */
export async function sendFile(response: Response, { name, mediaType, content }: GivenFile): Promise<void> {
  response.setHeader('content-type', mediaType);
  response.setHeader('content-disposition', `attachment; filename="${name}"`);
  await pipeline(content, response);
}
