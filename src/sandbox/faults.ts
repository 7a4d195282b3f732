import type { ChunkWriter, Frame } from './chunks.ts';
import { connectionFaults } from './connection-faults.ts';
import { contentFaults } from './content-faults.ts';
import { eventFaults } from './event-faults.ts';
import type { Fault, Faults } from './fault.ts';
import type { Refusal, Script } from './script.ts';
import type { Shape } from './shape.ts';
import { openaiShape } from './shape.ts';
import { statusFaults } from './status-faults.ts';
import type { Wire } from './stream.ts';
import { openaiWire } from './stream.ts';

/** Every fault by name, in groups. `docs/sandbox.md` shows this table. */
export const faults: Faults = { ...statusFaults, ...connectionFaults, ...eventFaults, ...contentFaults };

/** Finds the faults of a script by name; gives a refusal for a name that nobody knows. */
export function findFaults(names: string[]): Fault[] | Refusal {
  const found: Fault[] = [];
  for (const name of names) {
    const fault = Object.hasOwn(faults, name) ? faults[name] : undefined;
    if (fault === undefined) return { refusal: `The sandbox knows no fault '${name}'.`, param: 'script' };
    found.push(fault);
  }
  return found;
}

/** Gives the form of the JSON with all faults applied; of two that change the same field the later wins. */
export function shapeWith(active: Fault[]): Shape {
  return active.length === 0 ? openaiShape : Object.assign({}, openaiShape, ...active.map(({ shape }) => shape));
}

/** Gives the way of the bytes with all faults applied; of two that change the same field the later wins. */
export function wireWith(active: Fault[]): Wire {
  return active.length === 0 ? openaiWire : Object.assign({}, openaiWire, ...active.map(({ wire }) => wire));
}

/** Gives the events of a stream after every fault has changed them in turn. */
export function changedFrames(active: Fault[], frames: Frame[], script: Script, writer: ChunkWriter): Frame[] {
  return active.reduce((changed, fault) => fault.frames?.(changed, script, writer) ?? changed, frames);
}

/** Gives the pieces of a body after the faults; every fault works on the last piece, which holds the JSON. */
export function changedBody(active: Fault[], text: string, script: Script): string[] {
  return active.reduce<string[]>(
    (pieces, fault) =>
      fault.body === undefined ? pieces : [...pieces.slice(0, -1), ...fault.body(pieces.at(-1) ?? '', script)],
    [text],
  );
}
