import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createWebhookSender, type WebhookSender, type WebhookSenderOptions } from '../../src/webhooks/send.ts';
import { until } from '../auth/wire.ts';
import { CA_PEM } from './certificate.ts';
import { closeReceivers, startReceiver } from './receiver.ts';

const senders: WebhookSender[] = [];
const servers: { server: Server; sockets: Set<Socket> }[] = [];
const headers = { 'webhook-id': 'evt_1' };
const PUBLIC = '93.184.215.14';

function sender(options: Partial<WebhookSenderOptions> = {}): WebhookSender {
  const created = createWebhookSender({
    connectTimeoutMs: 2_000,
    totalTimeoutMs: 5_000,
    allowLoopback: true,
    ...options,
  });
  senders.push(created);
  return created;
}

/** A receiver below HTTP: does with each connection what it is told. */
async function startRaw(serve: (socket: Socket) => void): Promise<{ url: string; port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  });
  servers.push({ server, sockets });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, port, sockets };
}

afterEach(async () => {
  for (const open of senders.splice(0)) await open.close();
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
  await closeReceivers();
});

describe('what the receiver answers', () => {
  test('2xx is delivered: one POST with the body, the headers and our name', async () => {
    const receiver = await startReceiver(204);
    const result = await sender().send(`${receiver.url}?a=b%20c`, headers, '{"text":"я"}');
    expect(result).toEqual({ outcome: 'delivered', status: 204, ms: expect.any(Number) });
    expect(receiver.received).toMatchObject([
      {
        method: 'POST',
        path: '/hook?a=b%20c',
        body: '{"text":"я"}',
        headers: {
          'webhook-id': 'evt_1',
          'content-type': 'application/json',
          'user-agent': 'Ocelotiq-Webhooks/1.0',
          host: `127.0.0.1:${receiver.port}`,
        },
      },
    ]);
  });

  test.each([
    [200, 'delivered'],
    [299, 'delivered'],
    [304, 'redirect'],
    [400, 'http'],
    [410, 'gone'],
    [429, 'throttled'],
    [500, 'http'],
    [502, 'throttled'],
    [503, 'throttled'],
    [504, 'throttled'],
  ])('%d is %s', async (status, outcome) => {
    const receiver = await startReceiver(status);
    expect(await sender().send(receiver.url, headers, '{}')).toMatchObject({ outcome, status });
  });

  test('Retry-After is passed on', async () => {
    const receiver = await startReceiver((response) => response.writeHead(503, { 'retry-after': '120' }).end());
    expect(await sender().send(receiver.url, headers, '{}')).toMatchObject({
      outcome: 'throttled',
      retryAfterMs: 120_000,
    });
  });

  test.each([301, 302, 303, 307, 308])('a redirect (%d) is not followed', async (status) => {
    const target = await startReceiver();
    const receiver = await startReceiver((response) => response.writeHead(status, { location: target.url }).end());
    expect(await sender().send(receiver.url, headers, '{}')).toMatchObject({ outcome: 'redirect', status });
    expect(target.received).toEqual([]);
  });

  test('one that accepts and says nothing costs the total time, no more', async () => {
    const receiver = await startReceiver(() => undefined);
    const result = await sender({ totalTimeoutMs: 300 }).send(receiver.url, headers, '{}');
    expect(result).toEqual({ outcome: 'timeout', ms: expect.any(Number) });
    expect(result.ms).toBeLessThan(2_000);
  });

  test('one that drips a header for ever is cut off at the total time', async () => {
    const { url } = await startRaw((socket) => {
      const timer = setInterval(() => socket.write('x'), 20);
      socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
      socket.on('close', () => clearInterval(timer));
    });
    expect(await sender({ totalTimeoutMs: 400 }).send(url, headers, '{}')).toMatchObject({ outcome: 'timeout' });
  });

  test('an endless body is cut off after 64 kB, and the status counts', async () => {
    let written = 0;
    const { url, sockets } = await startRaw((socket) => {
      const chunk = Buffer.alloc(65_536, 'x');
      const write = (): void => {
        do written += chunk.length;
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n');
        socket.on('drain', write);
        write();
      });
    });
    const result = await sender().send(url, headers, '{}');
    expect(result).toMatchObject({ outcome: 'delivered', status: 200 });
    for (const socket of sockets)
      await new Promise((resolve) => (socket.closed ? resolve(0) : socket.once('close', resolve)));
    // What the kernel buffers of both ends take, not what an endless sender would give.
    expect(written).toBeLessThan(32 * 1024 * 1024);
  });

  test('one that breaks off or does not speak HTTP is a failure', async () => {
    const gone = await startRaw((socket) => socket.destroy());
    const odd = await startRaw((socket) => socket.end('220 mail.example.com ESMTP\r\n'));
    const wide = await startRaw((socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`));
    const webhooks = sender();
    for (const { url } of [gone, odd, wide]) {
      expect(await webhooks.send(url, headers, '{}')).toMatchObject({ outcome: 'broken' });
    }
  });

  test('nobody there is a failure to connect', async () => {
    const receiver = await startReceiver();
    await receiver.close();
    expect(await sender().send(receiver.url, headers, '{}')).toMatchObject({ outcome: 'connect_failed' });
  });
});

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

describe('many at once', () => {
  test('one host gets ten connections at a time, and all of its events', async () => {
    const answers: (() => void)[] = [];
    let active = 0;
    let activeMax = 0;
    let held = true;
    const receiver = await startReceiver((response) => {
      activeMax = Math.max(activeMax, ++active);
      const answer = () => {
        active--;
        response.end();
      };
      if (held) answers.push(answer);
      else answer();
    });
    const webhooks = sender({ resolve: async () => ['127.0.0.1'] });
    const sent = Promise.all(Array.from({ length: 25 }, () => webhooks.send(receiver.url, headers, '{}')));
    await until(() => active >= 10);
    // Whatever else was to start has started once a later one, to another host, is through.
    const other = await startReceiver();
    expect(await webhooks.send(other.url.replace('127.0.0.1', 'localhost'), headers, '{}')).toMatchObject({
      outcome: 'delivered',
    });
    held = false;
    for (const answer of answers) answer();
    expect((await sent).every(({ outcome }) => outcome === 'delivered')).toBe(true);
    expect(activeMax).toBe(10);
    expect(receiver.received).toHaveLength(25);
  });

  test('what does not fit in the line of a host is told to come back, and not sent', async () => {
    const receiver = await startReceiver(() => undefined);
    const webhooks = sender();
    const results = Array.from({ length: 95 }, () => webhooks.send(receiver.url, headers, '{}'));
    const away = await Promise.all(results.slice(85));
    expect(away.every(({ outcome, retryAfterMs = 0 }) => outcome === 'busy' && retryAfterMs > 0)).toBe(true);
    await webhooks.close();
    const rest = await Promise.all(results.slice(0, 85));
    expect(rest.every(({ outcome }) => outcome === 'closed')).toBe(true);
  });

  test('a closed sender sends nothing', async () => {
    const receiver = await startReceiver();
    const webhooks = sender();
    await webhooks.close();
    expect(await webhooks.send(receiver.url, headers, '{}')).toEqual({ outcome: 'closed', ms: 0 });
    expect(receiver.received).toEqual([]);
  });
});
