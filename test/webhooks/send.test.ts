import { afterEach, describe, expect, test } from '@jest/globals';
import { until } from '../auth/wire.ts';
import { startReceiver } from './receiver.ts';
import { closeAll, headers, sender, startRaw } from './senders.ts';

afterEach(closeAll);

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
