import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { createResolve } from '../../src/webhooks/connect.ts';
import { createWebhookSender } from '../../src/webhooks/send.ts';

/** Real DNS over UDP on loopback: a name server that knows the addresses it is given and nothing else. */

const closers: (() => void)[] = [];
const TYPE_A = 1;
const NOT_FOUND = 3;

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function nameIn(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length !== 0; length = query.readUInt8(at)) {
    labels.push(query.subarray(at + 1, at + 1 + length).toString());
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 5 };
}

function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::').map((half) =>
    half
      .split(':')
      .map((group) => group.padStart(4, '0'))
      .join(''),
  );
  return Buffer.from(head + '0'.repeat(32 - head.length - tail.length) + tail, 'hex');
}

function answerTo(query: Buffer, known: Readonly<Record<string, string[]>>): Buffer {
  const { name, end } = nameIn(query);
  const type = query.readUInt16BE(end - 4);
  const found = (known[name] ?? []).filter((address) => (type === TYPE_A) === !address.includes(':'));
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | (name in known ? 0 : NOT_FOUND), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(found.length, 6);
  const records = found.map((address) => {
    const bytes = addressBytes(address);
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(60, 6);
    record.writeUInt16BE(bytes.length, 10);
    return Buffer.concat([record, bytes]);
  });
  return Buffer.concat([header, query.subarray(12, end), ...records]);
}

async function startNameServer(known: Readonly<Record<string, string[]>>): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => socket.send(answerTo(query, known), from.port, from.address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  closers.push(() => socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

test('a name is resolved to all of its addresses, of both families', async () => {
  const server = await startNameServer({
    'both.example.com': ['93.184.215.14', '1.1.1.1', '2606:4700::1111'],
    'six.example.com': ['2606:4700::1111'],
    'none.example.com': [],
  });
  const resolve = createResolve([server]);
  expect([...(await resolve('both.example.com'))].sort()).toEqual(['1.1.1.1', '2606:4700::1111', '93.184.215.14']);
  expect(await resolve('six.example.com')).toEqual(['2606:4700::1111']);
  expect(await resolve('none.example.com')).toEqual([]);
  expect(await resolve('missing.example.com')).toEqual([]);
});

test('a name server that mixes a private address in has the webhook blocked', async () => {
  const server = await startNameServer({ 'hooks.example.com': ['93.184.215.14', '2606:4700::1111', 'fd00::1'] });
  const sender = createWebhookSender({
    connectTimeoutMs: 2_000,
    totalTimeoutMs: 5_000,
    allowLoopback: false,
    resolve: createResolve([server]),
    dial: () => {
      throw new Error('a connection was tried');
    },
  });
  expect(await sender.send('https://hooks.example.com/', {}, '{}')).toMatchObject({ outcome: 'blocked_address' });
  expect(await sender.send('https://missing.example.com/', {}, '{}')).toMatchObject({ outcome: 'dns_failed' });
});
