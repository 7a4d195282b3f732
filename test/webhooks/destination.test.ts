import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { WebhookSenderOptions } from '../../src/webhooks/send.ts';
import { CA_PEM } from './certificate.ts';
import { startReceiver } from './receiver.ts';
import { closeAll, headers, sender, startRaw } from './senders.ts';

const PUBLIC = '93.184.215.14';

afterEach(closeAll);

describe('where a name leads', () => {
  const url = 'https://hooks.example.com:8443/';
  /** Fails the test when a connection is tried. */
  const noDial: WebhookSenderOptions['dial'] = () => {
    throw new Error('a connection was tried');
  };

  test.each([
    [['127.0.0.1']],
    [['10.0.0.7']],
    [['169.254.169.254']],
    [['::1']],
    [['::ffff:127.0.0.1']],
    [['64:ff9b::7f00:1']],
    [['2002:7f00:1::']],
    [['fd00:ec2::254']],
    [['0.0.0.0']],
    [[PUBLIC, '192.168.1.1']],
    [['2606:4700::1111', 'fe80::1']],
    [['not an address']],
  ])('to %j is blocked before any connection', async (addresses) => {
    const webhooks = sender({ allowLoopback: false, resolve: async () => addresses, dial: noDial });
    expect(await webhooks.send(url, headers, '{}')).toMatchObject({ outcome: 'blocked_address' });
  });

  test('in evaluation still only to this machine', async () => {
    const webhooks = sender({ resolve: async () => ['127.0.0.1', '192.168.1.1'], dial: noDial });
    expect(await webhooks.send(url, headers, '{}')).toMatchObject({ outcome: 'blocked_address' });
  });

  test('is asked once for a connection, so a second, different answer has no effect', async () => {
    const answers = [[PUBLIC], ['127.0.0.1']];
    const dialled: string[] = [];
    const webhooks = sender({
      allowLoopback: false,
      connectTimeoutMs: 200,
      resolve: async () => answers.shift() ?? [],
      dial: ({ host }) => {
        dialled.push(host);
        return connect({ host: '127.0.0.1', port: 1 });
      },
    });
    expect(await webhooks.send(url, headers, '{}')).toMatchObject({ outcome: 'connect_failed' });
    expect(await webhooks.send(url, headers, '{}')).toMatchObject({ outcome: 'blocked_address' });
    expect(dialled).toEqual([PUBLIC]);
  });

  test('is checked again on the connection: public when asked, private when connected is blocked, unsent', async () => {
    const { port, sockets } = await startRaw((socket) =>
      socket.on('data', () => socket.destroy(new Error('was sent data'))),
    );
    let seen: Socket | undefined;
    const webhooks = sender({
      allowLoopback: false,
      resolve: async () => [PUBLIC],
      dial: () => {
        seen = connect({ host: '127.0.0.1', port });
        return seen;
      },
    });
    expect(await webhooks.send(url, headers, '{}')).toMatchObject({ outcome: 'blocked_address' });
    expect(seen?.destroyed).toBe(true);
    expect(seen?.bytesWritten).toBe(0);
    for (const socket of sockets) expect(socket.bytesRead).toBe(0);
  });

  test.each([
    ['gives nothing', async () => []],
    ['fails', async () => Promise.reject(new Error('SERVFAIL'))],
  ])('that %s is a DNS failure', async (_, resolve) => {
    expect(await sender({ resolve }).send(url, headers, '{}')).toMatchObject({ outcome: 'dns_failed' });
  });

  test('that nobody answers for costs the connect time, no more', async () => {
    const webhooks = sender({ connectTimeoutMs: 200, resolve: () => new Promise(() => undefined) });
    expect(await webhooks.send(url, headers, '{}')).toMatchObject({ outcome: 'connect_timeout' });
  });

  test('goes to the next address when the first is dead', async () => {
    const receiver = await startReceiver(200, true);
    const webhooks = sender({ ca: CA_PEM, resolve: async () => ['127.9.9.9', '127.0.0.1'] });
    expect(await webhooks.send(receiver.url, headers, '{}')).toMatchObject({ outcome: 'delivered' });
  });

  test.each([
    'http://127.0.0.1:6379/',
    'https://user@hooks.example.com/',
    'http://hooks.example.com/',
    'https://10.0.0.1/',
    'x',
  ])('a refused URL (%s) is not even resolved', async (text) => {
    const resolve = async () => Promise.reject(new Error('was resolved'));
    expect(await sender({ resolve, dial: noDial }).send(text, headers, '{}')).toEqual({
      outcome: 'blocked_url',
      ms: 0,
    });
  });

  test('loopback itself is refused outside of evaluation', async () => {
    const receiver = await startReceiver();
    const webhooks = sender({ allowLoopback: false });
    expect(await webhooks.send(receiver.url, headers, '{}')).toMatchObject({ outcome: 'blocked_url' });
    expect(receiver.received).toEqual([]);
  });
});

describe('TLS', () => {
  const resolve = async () => ['127.0.0.1'];

  test('keeps the name in SNI, certificate check and Host, though it connects to an address', async () => {
    const receiver = await startReceiver(200, true);
    expect(await sender({ resolve, ca: CA_PEM }).send(receiver.url, headers, '{}')).toMatchObject({
      outcome: 'delivered',
    });
    expect(receiver.received[0]?.headers.host).toBe(`hooks.example.com:${receiver.port}`);
  });

  test('an unknown authority and a wrong name are refused, and nothing is sent', async () => {
    const receiver = await startReceiver(200, true);
    expect(await sender({ resolve }).send(receiver.url, headers, '{}')).toMatchObject({ outcome: 'tls' });
    const other = receiver.url.replace('hooks.', 'other.');
    expect(await sender({ resolve, ca: CA_PEM }).send(other, headers, '{}')).toMatchObject({ outcome: 'tls' });
    expect(receiver.received).toEqual([]);
  });

  test('one that never answers the handshake costs the connect time', async () => {
    const { port } = await startRaw(() => undefined);
    const webhooks = sender({ resolve, connectTimeoutMs: 200 });
    const result = await webhooks.send(`https://hooks.example.com:${port}/`, headers, '{}');
    expect(result).toMatchObject({ outcome: 'connect_timeout' });
  });
});
