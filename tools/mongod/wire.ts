/** MongoDB's message format: OP_MSG with document sequences, and the OP_QUERY that a driver's first hello may use. */
import { WireError } from './errors.ts';

export const MESSAGE_BYTES_MAX = 48_000_000;
export const DOCUMENT_BYTES_MAX = 16_777_216;
const HEADER_BYTES = 16;
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const FLAG_CHECKSUM = 1;
const FLAG_MORE_TO_COME = 2;

export type Message = {
  id: number;
  isQuery: boolean;
  /** The sender wants no answer (an unacknowledged write). */
  isSilent: boolean;
  body: Buffer;
  /** Long lists that travel beside the command, by field name: documents one after the other. */
  sequences: ReadonlyMap<string, Buffer>;
};

/** Collects a socket's chunks and cuts them into whole messages. */
export type Framer = {
  add(chunk: Buffer): void;
  /** Bytes that wait for the rest of their message or for their turn. */
  size(): number;
  /** The next whole message, or undefined when more bytes are needed. @throws Error on a length out of bounds. */
  next(): Buffer | undefined;
};

export function createFramer(): Framer {
  let buffered: Buffer = Buffer.alloc(0);
  let chunks: Buffer[] = [];
  let waiting = 0;
  let needed = HEADER_BYTES;
  return {
    add(chunk) {
      chunks.push(chunk);
      waiting += chunk.length;
    },
    size: () => buffered.length + waiting,
    next() {
      if (buffered.length + waiting < needed) return undefined;
      if (waiting > 0) {
        // Joined only when a whole message is there, so a big message is copied once and not once for each chunk.
        const [only] = chunks;
        buffered =
          buffered.length === 0 && chunks.length === 1 && only !== undefined
            ? only
            : Buffer.concat([buffered, ...chunks]);
        chunks = [];
        waiting = 0;
      }
      const length = buffered.readInt32LE(0);
      if (length < HEADER_BYTES || length > MESSAGE_BYTES_MAX) throw new Error(`a message of ${length} bytes`);
      if (buffered.length < length) {
        needed = length;
        return undefined;
      }
      needed = HEADER_BYTES;
      const message = buffered.subarray(0, length);
      buffered = buffered.subarray(length);
      return message;
    },
  };
}

/** @throws Error when the bytes are not a message that this gateway knows. */
export function parseMessage(bytes: Buffer): Message {
  const id = bytes.readInt32LE(4);
  const operation = bytes.readInt32LE(12);
  if (operation === OP_MSG) return parseOpMsg(id, bytes);
  if (operation === OP_QUERY) {
    const nameEnd = bytes.indexOf(0, 20);
    return { id, isQuery: true, isSilent: false, body: bytes.subarray(nameEnd + 9), sequences: new Map() };
  }
  throw new Error(`unsupported operation ${operation}`);
}

function parseOpMsg(id: number, bytes: Buffer): Message {
  const flags = bytes.readUInt32LE(16);
  const end = bytes.length - (flags & FLAG_CHECKSUM ? 4 : 0);
  const sequences = new Map<string, Buffer>();
  let body: Buffer | undefined;
  for (let at = 20; at < end; ) {
    const kind = bytes[at++];
    const length = bytes.readInt32LE(at);
    if (length < 5 || at + length > end) throw new Error(`a section of ${length} bytes`);
    const section = bytes.subarray(at, at + length);
    if (kind === 0) body = section;
    else if (kind === 1) {
      const nameEnd = section.indexOf(0, 4);
      if (nameEnd < 0) throw new Error('a document sequence without a name');
      sequences.set(section.toString('utf8', 4, nameEnd), section.subarray(nameEnd + 1));
    } else throw new Error(`a section of kind ${kind}`);
    at += length;
  }
  if (body === undefined) throw new WireError(40571, 'Location40571', 'OP_MSG messages must have a body section');
  return { id, isQuery: false, isSilent: (flags & FLAG_MORE_TO_COME) !== 0, body, sequences };
}

let lastId = 0;

/** The header that goes before a reply document. */
export function replyHeader(message: Message, reply: Buffer): Buffer {
  const header = Buffer.alloc(message.isQuery ? 36 : 21);
  lastId = (lastId + 1) & 0x7fffffff;
  header.writeInt32LE(header.length + reply.length, 0);
  header.writeInt32LE(lastId, 4);
  header.writeInt32LE(message.id, 8);
  header.writeInt32LE(message.isQuery ? OP_REPLY : OP_MSG, 12);
  if (message.isQuery) {
    header.writeInt32LE(8, 16); // AwaitCapable.
    header.writeInt32LE(1, 32); // One document.
  }
  return header;
}
