import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { AppError } from '../../errors.ts';
import { type JsonProblem, type MemberSpan, scanJsonObject } from '../../json-scan.ts';

export type JsonBody = { text: string; value: Record<string, unknown>; members: ReadonlyMap<string, MemberSpan> };

const PROBLEMS: Record<JsonProblem, string> = {
  not_json: 'The request body is not valid JSON.',
  too_deep: 'The request body is nested too deeply (32 levels are allowed).',
  too_many_members: 'The request body has too many members.',
  duplicate_name: 'The request body names the same member twice.',
  forbidden_name: 'The request body has a member with a forbidden name (__proto__, constructor or prototype).',
  number_range: 'The request body has a number that is out of range.',
  not_an_object: 'The request body must be a JSON object.',
};

/**
 * Reads and checks a JSON body: type, size, UTF-8, and the things parsers disagree about, before anything looks into it.
 * @throws AppError 400, 408, 413 or 415; never anything else.
 */
export async function readJson(request: IncomingMessage, bytesMax: number): Promise<JsonBody> {
  checkHeaders(request, bytesMax);
  const text = decodeUtf8(await readBytes(request, bytesMax));
  const scan = scanJsonObject(text);
  if (!scan.ok) throw new AppError('invalid_json', { message: PROBLEMS[scan.problem], details: { position: scan.at } });
  return { text, value: JSON.parse(text) as Record<string, unknown>, members: scan.members };
}

function checkHeaders(request: IncomingMessage, bytesMax: number): void {
  const type = request.headers['content-type'] ?? '';
  const match = /^application\/json\s*(?:;\s*charset\s*=\s*"?([\w-]+)"?\s*)?$/i.exec(type);
  if (!match || (match[1] !== undefined && !/^utf-?8$/i.test(match[1]))) throw new AppError('unsupported_media_type');
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw new AppError('unsupported_media_type');
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw new AppError('body_too_large');
}

function readBytes(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (error?: AppError) => {
      request.off('data', onData).off('end', onEnd).off('error', onLost).off('close', onLost);
      if (error) reject(error);
      else resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    };
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        settle(new AppError('body_too_large'));
      } else chunks.push(chunk);
    };
    const onEnd = () => settle();
    const onLost = () => settle(new AppError('request_timeout'));
    request.on('data', onData).on('end', onEnd).on('error', onLost).on('close', onLost);
  });
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new AppError('invalid_json', { message: 'The request body is not valid UTF-8.', cause });
  }
}

/** Parses with a schema; the first problem becomes OpenAI's `message` and `param`. */
export function parseWith<Output>(schema: z.ZodType<Output>, value: unknown): Output {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const param = issue?.path.map(String).join('.') ?? '';
  throw new AppError('invalid_request', {
    message: param === '' ? (issue?.message ?? 'The request is not valid.') : `${param}: ${issue?.message}`,
    ...(param === '' ? {} : { param }),
  });
}
