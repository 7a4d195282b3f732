import type { Fault, Faults } from './fault.ts';
import { insertAfter, other } from './fault.ts';

/** The faults of what the JSON says: choices, tools, finish reasons and usage. */
export const contentFaults: Faults = {
  'empty-choices': {
    description: 'chunks with `choices: []` first and after `after` tokens, or a body with `choices: []`',
    frames: (frames, { after }, writer) => [
      other(writer.bare('"choices":[],"prompt_filter_results":[]'), 0),
      ...insertAfter(frames, after, writer.bare('"choices":[]')),
    ],
    body: (text) => [text.replace(/"choices":\[.*\](?=,"(?:usage|service_tier)":)/u, '"choices":[]')],
  },
  'no-finish': {
    description: 'no finish reason: absent in a stream, null in a body',
    shape: { finish: null },
    frames: (frames) => frames.filter(({ kind }) => kind !== 'finish'),
  },
  'finish-filter': { description: 'finish reason `content_filter`', shape: { finish: 'content_filter' } },
  'finish-unknown': {
    description: 'finish reason `insufficient_system_resource` (DeepSeek)',
    shape: { finish: 'insufficient_system_resource' },
  },
  'tool-no-index': { description: 'tool call chunks without `index`', shape: { toolForm: 'noIndex' } },
  'tool-whole': { description: 'a whole tool call in one chunk', shape: { toolForm: 'whole' } },
  'tool-object': { description: 'tool call arguments as an object, not as text', shape: { toolForm: 'object' } },
  'usage-missing': { description: 'no usage although asked for', shape: { usage: () => undefined } },
  'usage-zero': usageFault('counts are an explicit 0', '0', '0', '0'),
  'usage-negative': usageFault('counts are negative', '-7', '-3', '-10'),
  'usage-nan': usageFault('counts are the text `NaN`', '"NaN"', '"NaN"', '"NaN"'),
  'usage-string': usageFault('counts are numbers in quotes', '"7"', '"3"', '"10"'),
  'usage-fraction': usageFault('counts are fractions', '7.5', '3.5', '11'),
  'usage-null': usageFault('counts are null', 'null', 'null', 'null'),
  'usage-huge': usageFault('counts are 2^53 + 1', '9007199254740993', '9007199254740993', '18014398509481986'),
  'usage-infinite': usageFault('counts are `1e400`', '1e400', '1e400', '1e400'),
  'usage-finish': { description: 'usage on the chunk with the finish reason', shape: { usageAt: 'finish' } },
  'usage-every': { description: 'growing usage in every chunk (vLLM, continuous)', shape: { usageAt: 'every' } },
  'usage-first': { description: 'usage before the first token', shape: { usageAt: 'start' } },
  'usage-twice': { description: 'usage twice', shape: { usageAt: 'twice' } },
  'usage-after-done': { description: 'usage after `[DONE]`', shape: { usageAt: 'afterDone' } },
};

/** Takes three counts as JSON text. They show wherever usage is asked for. */
function usageFault(description: string, prompt: string, completion: string, total: string): Fault {
  const text = `{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${total}}`;
  return { description: `usage ${description}`, shape: { usage: () => text } };
}
