import type { Answer } from './answer.ts';
import type { ChatRequest } from './request.ts';
import type { Script } from './script.ts';
import type { Identity, Shape } from './shape.ts';
import { logprobsText, unknownField } from './shape.ts';

/** Gives the body of an answer that is not streamed, as JSON text. */
export function completionText(
  request: ChatRequest,
  script: Script,
  answer: Answer,
  identity: Identity,
  shape: Shape,
): string {
  const unknown = script.unknown ? `,${unknownField}` : '';
  const usage = shape.usage(answer.usage);
  const usageField = usage === undefined ? '' : `,"usage":${usage}`;
  const message = messageText(answer, identity, shape, unknown);
  const logprobs = request.topLogprobs === undefined ? 'null' : logprobsText(answer.tokens, request.topLogprobs);
  const finish = shape.finish === undefined ? answer.finish : shape.finish;
  const rest = `,"message":${message},"logprobs":${logprobs},"finish_reason":${JSON.stringify(finish)}}`;
  let choices = `{"index":0${rest}`;
  for (let index = 1; index < request.choices; index += 1) choices += `,{"index":${index}${rest}`;
  const id = script.id === 'none' ? '' : `"id":${JSON.stringify(identity.id)},`;
  return (
    `{${id}"object":"chat.completion","created":${identity.createdS},"model":${JSON.stringify(identity.model)},` +
    `"choices":[${choices}]${usageField}${shape.usageAt === 'twice' ? usageField : ''},` +
    `"service_tier":"default","system_fingerprint":"fp_sandbox"${unknown}}`
  );
}

function messageText(answer: Answer, identity: Identity, shape: Shape, unknown: string): string {
  const content = answer.toolCalls.length > 0 ? 'null' : JSON.stringify(answer.tokens.join(''));
  const thinking =
    answer.thinking.length === 0 ? '' : `,"reasoning_content":${JSON.stringify(answer.thinking.join(''))}`;
  const calls = answer.toolCalls.map((call, index) => {
    const args = call.fragments.join('');
    const written = shape.toolForm === 'object' ? args : JSON.stringify(args);
    return (
      `{"id":"${toolCallId(identity, index)}","type":"function",` +
      `"function":{"name":${JSON.stringify(call.name)},"arguments":${written}}}`
    );
  });
  const tools = calls.length === 0 ? '' : `,"tool_calls":[${calls.join(',')}]`;
  return `{"role":"assistant","content":${content},"refusal":null${thinking}${tools}${unknown}}`;
}

/** The id of the tool call at `index`, derived from the id of the answer. */
export function toolCallId(identity: Identity, index: number): string {
  return `call_${identity.id.replace(/\W/gu, '')}_${index}`;
}
