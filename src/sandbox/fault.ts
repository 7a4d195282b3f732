import type { ChunkWriter, Frame } from './chunks.ts';
import type { Exchange } from './exchange.ts';
import type { Script } from './script.ts';
import type { Shape } from './shape.ts';
import type { Wire } from './stream.ts';

type FrameChange = (frames: Frame[], script: Script, writer: ChunkWriter) => Frame[];

/** One way in which a provider misbehaves. A fault changes only what it names; several can be combined. */
export type Fault = {
  description: string;
  /** Answers in place of the model. */
  instead?: (exchange: Exchange) => void;
  /** Changes how the answer is put into JSON. */
  shape?: Partial<Shape>;
  /** Changes the events of a stream. */
  frames?: FrameChange;
  /** Changes the body of an answer that is not streamed; gives the pieces that are written one after another. */
  body?: (text: string, script: Script) => string[];
  /** Changes how bytes travel. */
  wire?: Partial<Wire>;
};

export type Faults = Readonly<Record<string, Fault>>;

/** Gives the events up to the script's `after` tokens, without finish, usage and `[DONE]`. */
export function firstTokens(frames: Frame[], { after }: Pick<Script, 'after'>): Frame[] {
  return frames.filter(({ kind, beat }) => kind === 'role' || kind === 'other' || (kind === 'token' && beat < after));
}

/** Puts one event in after `after` tokens, or before the finish when there are fewer. */
export function insertAfter(frames: Frame[], after: number, text: string): Frame[] {
  const found = frames.findIndex(
    ({ kind, beat }) => (kind === 'token' && beat >= after) || kind === 'finish' || kind === 'done',
  );
  const at = found < 0 ? frames.length : found;
  return [...frames.slice(0, at), other(text, frames[at]?.beat ?? after), ...frames.slice(at)];
}

/** Gives a change that rewrites the text of every event. */
export function rewrite(change: (text: string) => string): FrameChange {
  return (frames) => frames.map((frame) => ({ ...frame, text: change(frame.text) }));
}

/** Makes an event that is no part of a regular stream. */
export function other(text: string, beat: number): Frame {
  return { kind: 'other', beat, text };
}

/** Gives the first half of a body. */
export function firstHalf(text: string): string[] {
  return [text.slice(0, Math.floor(text.length / 2))];
}
