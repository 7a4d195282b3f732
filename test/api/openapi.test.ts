import { mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Express } from 'express';
import { type Browser, chromium } from 'playwright-core';
import { createApp } from '../../src/api/app.ts';
import type { ApiDependencies } from '../../src/api/context.ts';
import { OPERATIONS, openApiDocument } from '../../src/api/openapi.ts';
import { createAppServer } from '../../src/api/server.ts';
import { ERROR_CATALOGUE } from '../../src/errors.ts';
import { createLogger } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics.ts';

/** The edge alone: nothing below it is called by the document or its page. */
const edge = {
  config: { api: { trustedProxies: [], publicUrl: 'https://api.example.com' } },
  metrics: createMetrics(),
  log: createLogger({ role: 'test', level: 'silent' }),
  ready: async () => true,
} as unknown as ApiDependencies;

type Layer = {
  route?: { path: string; methods: Record<string, boolean> };
  handle: { stack?: Layer[] };
  match(path: string): boolean;
};

const PREFIX = '/v1';

/** `get /v1/models/{modelId}` for every route on the stack, one level of routers deep. */
function mountedRoutes(app: Express): string[] {
  const routesOf = (layers: readonly Layer[], prefix: string): string[] =>
    layers.flatMap((layer) => {
      if (layer.route) {
        const path = prefix + layer.route.path.replaceAll(/[:*](\w+)/g, '{$1}');
        return Object.keys(layer.route.methods).map((method) => `${method} ${path}`);
      }
      if (!layer.handle.stack) return [];
      if (!layer.match(`${PREFIX}/models`)) throw new Error('a router is mounted that this test does not know');
      return routesOf(layer.handle.stack, PREFIX);
    });
  return routesOf(app.router.stack as unknown as Layer[], '');
}

test('every mounted route is in the document, and every documented operation is mounted', () => {
  const mounted = mountedRoutes(createApp(edge));
  expect(mounted.length).toBeGreaterThanOrEqual(12);
  // A route may have a gate of its own before authentication.
  expect([...new Set(mounted)].sort()).toEqual(OPERATIONS.map(({ method, path }) => `${method} ${path}`).sort());
});

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const document = openApiDocument('https://api.example.com') as unknown as Json;

/** Every object below a value, with the path to it. */
function* objectsBelow(value: unknown, path = '#'): Generator<[string, Json]> {
  if (Array.isArray(value)) for (const [index, one] of value.entries()) yield* objectsBelow(one, `${path}/${index}`);
  if (!isObject(value)) return;
  yield [path, value];
  for (const [name, member] of Object.entries(value)) yield* objectsBelow(member, `${path}/${name}`);
}

function resolve(reference: string): unknown {
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), document);
}

describe('the document is OpenAPI 3.1', () => {
  const operations = Object.entries(document.paths as Record<string, Record<string, Json>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

  test('with a version, a title, servers, and nothing at the top that the standard does not know', () => {
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Ocelotiq API', version: '1' },
      servers: [{ url: 'https://api.example.com' }],
    });
    const known = [
      'openapi',
      'info',
      'jsonSchemaDialect',
      'servers',
      'paths',
      'webhooks',
      'components',
      'security',
      'tags',
      'externalDocs',
    ];
    expect(Object.keys(document).filter((name) => !known.includes(name))).toEqual([]);
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });

  test('with operations that have a summary, answers with descriptions, and exactly the parameters their paths name', () => {
    expect(operations).toHaveLength(OPERATIONS.length);
    for (const { path, operation } of operations) {
      expect(operation.summary).toEqual(expect.any(String));
      const answers = Object.entries(operation.responses as Record<string, Json>);
      expect(answers.length).toBeGreaterThan(0);
      for (const [status, answer] of answers) {
        expect(status).toMatch(/^([1-5]\d\d|default)$/);
        expect(answer.description).toEqual(expect.any(String));
      }
      const parameters = (operation.parameters ?? []) as Json[];
      const named = parameters.filter((one) => one.in === 'path').map((one) => one.name);
      expect(named).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      for (const one of parameters) {
        expect(['path', 'query', 'header']).toContain(one.in);
        expect(one.schema).toEqual(expect.any(Object));
        if (one.in === 'path') expect(one.required).toBe(true);
      }
      expect(new Set(parameters.map((one) => `${String(one.in)} ${String(one.name)}`)).size).toBe(parameters.length);
    }
  });

  test('with references that lead somewhere, and schemas of the 2020-12 dialect', () => {
    const types = new Set(['null', 'boolean', 'object', 'array', 'number', 'string', 'integer']);
    let references = 0;
    for (const [path, object] of objectsBelow(document)) {
      if (typeof object.$ref === 'string') {
        references++;
        expect([path, resolve(object.$ref)]).toEqual([path, expect.any(Object)]);
      }
      expect([path, 'nullable' in object]).toEqual([path, false]); // OpenAPI 3.0
      if (path.endsWith('/properties') || !('type' in object) || path.includes('securitySchemes')) continue;
      for (const type of [object.type].flat()) expect([path, types.has(String(type))]).toEqual([path, true]);
      if ('required' in object) {
        expect(Array.isArray(object.required)).toBe(true);
        for (const name of object.required as string[]) expect(Object.keys(object.properties as Json)).toContain(name);
      }
      if (object.type === 'array') expect(object.items).toEqual(expect.any(Object));
    }
    expect(references).toBeGreaterThan(10);
  });

  test('with a key wanted by everything below /v1 and nothing else, and the errors a client must expect', () => {
    const schemes = Object.keys((document.components as Record<string, Json>).securitySchemes ?? {});
    const statuses = new Set(Object.values(ERROR_CATALOGUE).map(({ status }) => status));
    for (const { path, operation } of operations) {
      expect([path, operation.security !== undefined]).toEqual([path, path.startsWith('/v1/')]);
      for (const one of (operation.security ?? []) as Json[])
        for (const name of Object.keys(one)) expect(schemes).toContain(name);
      const declared = Object.keys(operation.responses as Json).map(Number);
      if (path.startsWith('/v1/'))
        for (const status of [401, 403, 429]) expect([path, declared.includes(status)]).toEqual([path, true]);
      for (const status of declared)
        if (status >= 400 && path !== '/readyz') expect(statuses.has(status as never)).toBe(true);
    }
  });
});

const executablePath = process.env.OCELOTIQ_CHROMIUM ?? '/usr/bin/chromium';
const noBrowser = process.env.OCELOTIQ_NO_CHROMIUM;
if (noBrowser) console.warn(`The /docs page is not tested in a browser: ${noBrowser}`);

(noBrowser ? describe.skip : describe)('the page at /docs', () => {
  let server: Server;
  let url: string;
  let browser: Browser | undefined;
  beforeAll(async () => {
    server = createAppServer(createApp(edge));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const flags = [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ];
    browser = await chromium.launch({ executablePath, headless: true, args: flags, timeout: 120_000 });
  }, 150_000);
  afterAll(async () => {
    await browser?.close();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  test('shows every operation under a strict policy, with a clean console and nothing from elsewhere', async () => {
    const page = await (await browser?.newContext({ viewport: { width: 1280, height: 1600 } }))?.newPage();
    if (!page) throw new Error('no page');
    const complaints: string[] = [];
    const fetched: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
    page.on('request', (request) => fetched.push(request.url()));
    const response = await page.goto(`${url}/docs`, { waitUntil: 'networkidle', timeout: 60_000 });
    const policy = (await response?.allHeaders())?.['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/script-src 'self'(;|$)/);
    await page.waitForSelector('.opblock');
    const shown = await page.$$eval('.opblock', (blocks) =>
      blocks.map((block) =>
        `${block.querySelector('.opblock-summary-method')?.textContent} ${block.querySelector('.opblock-summary-path')?.getAttribute('data-path')}`.toLowerCase(),
      ),
    );
    expect(shown.sort()).toEqual(OPERATIONS.map(({ method, path }) => `${method} ${path}`.toLowerCase()).sort());
    expect(await page.title()).toBe('Ocelotiq API');
    mkdirSync(fileURLToPath(new URL('../../artifacts', import.meta.url)), { recursive: true });
    await page.screenshot({
      path: fileURLToPath(new URL('../../artifacts/docs.png', import.meta.url)),
      fullPage: true,
    });
    await page.click('.opblock-post .opblock-summary-control');
    await page.waitForSelector('.opblock-body .parameters');
    await page.screenshot({ path: fileURLToPath(new URL('../../artifacts/docs-operation.png', import.meta.url)) });
    expect(complaints).toEqual([]);
    expect(fetched.filter((one) => !one.startsWith(url) && !one.startsWith('data:'))).toEqual([]);
  }, 120_000);
});
