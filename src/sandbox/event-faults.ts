import type { Frame } from './chunks.ts';
import { doneText } from './chunks.ts';
import type { Faults } from './fault.ts';
import { firstHalf, firstTokens, insertAfter, other, rewrite } from './fault.ts';

const errorObject = '{"message":"The provider disconnected.","type":"server_error","param":null,"code":null}';
const brokenJson = '{"id":"chatcmpl-broken","choices":[{"index":0,"delta":{"content":"unterminated';
const longTextBytes = 10 * 1024 * 1024;

/** The faults of lines and events, and of the way in which a stream ends. */
export const eventFaults: Faults = {
  crlf: { description: 'lines end with CR LF', frames: rewrite((text) => text.replaceAll('\n', '\r\n')) },
  'no-space': { description: 'no space after `data:`', frames: rewrite((text) => text.replace(/^data: /gmu, 'data:')) },
  multiline: {
    description: 'the JSON of an event is spread over three `data:` lines',
    frames: rewrite((text) => text.replace(/^data: \{(.*)\}\n\n$/u, 'data: {\ndata: $1\ndata: }\n\n')),
  },
  comments: {
    description: 'a comment before every event',
    frames: rewrite((text) => `: OPENROUTER PROCESSING\n\n${text}`),
  },
  'keep-alive': {
    description: '`after` comments (stream) or empty lines (body), `d` milliseconds apart, before the answer',
    frames: (frames, { after }) => [
      ...Array.from({ length: after }, (_, beat) => other(': keep-alive\n\n', beat)),
      ...frames.map((frame) => ({ ...frame, beat: frame.beat + after })),
    ],
    body: (text, { after }) => [...Array.from({ length: after }, () => '\n'), text],
  },
  blank: {
    description: 'three empty lines before every event or before the body',
    frames: rewrite((text) => `\n\n\n${text}`),
    body: (text) => [`\n\n\n${text}`],
  },
  bom: {
    description: 'a byte order mark comes first',
    frames: (frames) => frames.map((frame, index) => (index === 0 ? { ...frame, text: `\uFEFF${frame.text}` } : frame)),
    body: (text) => [`\uFEFF${text}`],
  },
  fields: {
    description: '`event:`, `id:` and `retry:` lines in every event',
    frames: rewrite((text) => `event: message\nid: 7\nretry: 1000\n${text}`),
  },
  'long-line': {
    description: 'a token of 10 MB',
    frames: (frames, _script, writer) => {
      const delta = `"content":"${'x'.repeat(longTextBytes)}"`;
      return insertAfter(frames, 0, writer.choice(0, delta, ',"finish_reason":null'));
    },
    body: (text) => [text.replace('"content":"', `"content":"${'x'.repeat(longTextBytes)}`)],
  },
  garbage: {
    description: 'an event (after `after` tokens) or a body that is not JSON',
    frames: (frames, { after }) => insertAfter(frames, after, 'data: <<< not JSON >>>\n\n'),
    body: () => ['<<< not JSON >>>'],
  },
  truncated: {
    description: 'the JSON of an event (after `after` tokens) or of the body stops half-way',
    frames: (frames, { after }) => insertAfter(frames, after, `data: ${brokenJson}\n\n`),
    body: firstHalf,
  },
  'error-chunk': {
    description: 'after `after` tokens a chunk with `error` and finish reason `error`, then the end (OpenRouter)',
    frames: (frames, script, writer) => [
      ...firstTokens(frames, script),
      other(
        writer.bare(
          '"error":{"code":502,"message":"Provider disconnected","metadata":{"error_type":"provider_unavailable"}},' +
            '"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]',
        ),
        script.after,
      ),
    ],
  },
  'error-done': {
    description: 'after `after` tokens `{"error":…}`, then `[DONE]` (vLLM)',
    frames: (frames, script) => [
      ...firstTokens(frames, script),
      other(`data: {"error":${errorObject}}\n\n`, script.after),
      { kind: 'done', beat: script.after, text: doneText },
    ],
  },
  'error-event': {
    description: 'after `after` tokens an event named `error`, then the end',
    frames: (frames, script) => [
      ...firstTokens(frames, script),
      other(`event: error\ndata: {"error":${errorObject}}\n\n`, script.after),
    ],
  },
  'error-empty': {
    description: 'after `after` tokens an empty chunk, then the end without `[DONE]` (Ollama)',
    frames: (frames, script, writer) => [
      ...firstTokens(frames, script),
      other(writer.choice(0, '"role":"assistant","content":""', ',"finish_reason":null'), script.after),
    ],
  },
  'no-done': { description: 'no `[DONE]`', frames: (frames) => frames.filter(({ kind }) => kind !== 'done') },
  'done-only': { description: 'nothing but `[DONE]`', frames: (frames) => frames.filter(isDone) },
  'done-twice': {
    description: '`[DONE]` twice',
    frames: (frames) => frames.flatMap((frame) => (isDone(frame) ? [frame, frame] : [frame])),
  },
  'after-done': {
    description: 'one more token after `[DONE]`',
    frames: (frames, _script, writer) => [
      ...frames,
      other(writer.choice(0, '"content":" late"', ',"finish_reason":null'), frames.at(-1)?.beat ?? 0),
    ],
  },
};

function isDone({ kind }: Frame): boolean {
  return kind === 'done';
}
