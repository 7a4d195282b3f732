import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { NODE_FLAGS } from '../scripts/node-flags.ts';
import { loadConfig } from '../src/config.ts';
import { resolveImport } from './architecture/rules.ts';
import { scanFolders } from './architecture/scan.ts';
import { type ComposeService, readComposeFile } from './docker/compose-file.ts';
import { configVariables } from './helpers/config-names.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const compose = readComposeFile();
const services = Object.entries(compose.services);
const ours = services.filter(([, { build }]) => build !== undefined);
const databases = ['mongo', 'redis'];
const secretsFolder = mkdtempSync(path.join(tmpdir(), 'ocelotiq-secrets-'));

afterAll(() => rmSync(secretsFolder, { recursive: true, force: true }));

function serviceOf(name: string): ComposeService {
  const found = compose.services[name];
  if (!found) throw new Error(`there is no service ${name}`);
  return found;
}

function makeSecrets(): string {
  const { status, stderr } = spawnSync('sh', [path.join(root, 'docker/secrets.sh'), secretsFolder], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return secretsFolder;
}

/** The environment a container gets, with its secret files where the script made them and `${NAME:-default}` filled in. */
function containerEnvironment({ environment }: ComposeService): Record<string, string> {
  const folder = makeSecrets();
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value.replace('/run/secrets', folder).replace(/\$\{\w+:-([^}]*)\}/, '$1'),
    ]),
  );
}

function entryPoint({ command }: ComposeService): string {
  return command?.at(-1) ?? 'dist/api/main.js';
}

describe('docker-compose.yml', () => {
  it('has the roles of production and no sandbox', () => {
    expect(services.map(([name]) => name).sort()).toEqual(['admin', 'api', 'migrate', 'mongo', 'redis', 'workers']);
  });

  it.each(services)(
    'keeps %s unprivileged on a read-only disk with bounded memory, processes and logs',
    (_, service) => {
      const [uid] = service.user.split(':');
      expect(Number(uid)).toBeGreaterThan(0);
      expect(service).toMatchObject({
        init: true,
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        mem_limit: expect.any(String),
        pids_limit: expect.any(Number),
      });
      expect(service.logging.options['max-size']).toBeDefined();
      for (const mount of service.tmpfs) expect(mount).toMatch(/^\/tmp:size=\d+m,.*noexec/);
    },
  );

  it.each(services)('pins the image of %s to an exact version', (_, { image }) => {
    expect(image).toMatch(/:\d+\.\d+\.\d+$/);
  });

  it.each(databases)('publishes no port of %s and gives it no way out', (name) => {
    const { ports, networks } = serviceOf(name);
    expect(ports).toEqual([]);
    expect(networks.every((network) => compose.networks[network]?.internal)).toBe(true);
  });

  it('publishes other ports on loopback unless told otherwise', () => {
    for (const [, { ports }] of services) {
      for (const port of ports) expect(port).toMatch(/^\$\{[A-Z_]+:-127\.0\.0\.1:\d+\}:\d+$/);
    }
  });

  it('waits for health, and for the migration, before a role starts', () => {
    for (const name of [...databases, 'api', 'workers', 'admin']) expect(serviceOf(name).healthcheck).toBeDefined();
    for (const name of ['api', 'workers', 'admin']) {
      expect(serviceOf(name).depends_on).toEqual({
        mongo: { condition: 'service_healthy' },
        redis: { condition: 'service_healthy' },
        migrate: { condition: 'service_completed_successfully' },
      });
    }
    expect(serviceOf('migrate')).toMatchObject({
      restart: 'no',
      depends_on: { mongo: { condition: 'service_healthy' } },
    });
  });

  it('gives api and workers the time they need to drain', () => {
    for (const name of ['api', 'workers']) {
      const graceMs = Number.parseInt(serviceOf(name).stop_grace_period, 10) * 1_000;
      expect(graceMs).toBeGreaterThanOrEqual(loadConfig(containerEnvironment(serviceOf(name))).stopGraceMs);
    }
  });

  it('keeps secrets in files: every one is declared, mounted where it is named, and made by docker/secrets.sh', () => {
    const used = new Set<string>();
    for (const [, service] of services) {
      for (const name of service.secrets) used.add(name);
      for (const [variable, value] of Object.entries(service.environment)) {
        const isSecret = /PASSWORD|PEPPER|MASTER_KEYS|MONGODB_URI|REDIS_URL|PROVIDER_KEY/.test(variable);
        if (!isSecret) continue;
        expect(variable).toMatch(/_FILE$/);
        expect(service.secrets.map((name) => `/run/secrets/${name}`)).toContain(value);
      }
    }
    expect([...used].sort()).toEqual(Object.keys(compose.secrets).sort());
    for (const [name, { file }] of Object.entries(compose.secrets)) expect(file).toBe(`./.data/secrets/${name}`);
    expect(readdirSync(makeSecrets()).sort()).toEqual([...used].sort());
  });

  it('names only settings that src/config.ts knows', () => {
    const known = new Set(configVariables().map(({ name }) => name));
    for (const [, { environment }] of ours) {
      for (const variable of Object.keys(environment)) expect(known).toContain(variable.replace(/_FILE$/, ''));
    }
  });

  it.each(ours)('gives %s a configuration that production accepts', (_, service) => {
    const config = loadConfig(containerEnvironment(service));
    expect(config.mode).toBe('production');
    expect(config.webhooks.allowLoopback).toBe(false);
  });

  it.each(ours)('starts %s from an entry point that exists and refuses a bad configuration readably', (_, service) => {
    const entry = entryPoint(service);
    const { status, stdout, stderr } = spawnSync(process.execPath, [entry], {
      cwd: root,
      env: { PATH: process.env.PATH },
      encoding: 'utf8',
      timeout: 30_000,
    });
    const said = `${stdout}${stderr}`;
    expect(said).toMatch(/MONGODB_URI: is missing/);
    expect(said).toMatch(/MASTER_KEYS: is missing/);
    expect(said).not.toMatch(/^\s+at /m);
    expect(status).toBe(1);
  });

  it('checks health on the port and path where the role answers', () => {
    for (const [name, port] of [
      ['api', loadConfig(containerEnvironment(serviceOf('api'))).api.port],
      ['workers', loadConfig(containerEnvironment(serviceOf('workers'))).workers.metricsPort],
      ['admin', loadConfig(containerEnvironment(serviceOf('admin'))).admin.port],
    ] as const) {
      expect(serviceOf(name).healthcheck?.test).toEqual([
        'CMD',
        'node',
        'docker/healthcheck.mjs',
        `http://127.0.0.1:${port}/readyz`,
      ]);
    }
  });

  it('mounts only files that are in the repository', () => {
    for (const [, { volumes }] of services) {
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        if (!source.startsWith('./')) expect(Object.keys(compose.volumes)).toContain(source);
        else
          expect([source, existsSync(path.join(root, source)), volume.endsWith(':ro')]).toEqual([source, true, true]);
      }
    }
  });

  it('mounts volumes of our own processes where the image has a folder that they may write to', () => {
    const targets = services.flatMap(([, { image, volumes }]) =>
      image?.startsWith('ocelotiq') ? volumes.map((volume) => volume.split(':')[1]) : [],
    );
    expect(targets).toContain('/journal');
    const made = /install --directory --owner 10001 --group 10001 --mode 0700 (.+)/
      .exec(readFileSync(path.join(root, 'Dockerfile'), 'utf8'))?.[1]
      ?.split(' ');
    for (const target of targets) expect(made).toContain(target);
    expect(loadConfig(containerEnvironment(serviceOf('workers'))).backup.journalFolder).toBe('/journal');
  });

  const cli = spawnSync('docker', ['compose', 'version'], { encoding: 'utf8' });
  if (cli.status === 0) {
    it('is accepted by docker compose itself', () => {
      const { status, stderr } = spawnSync('docker', ['compose', 'config', '-q'], { cwd: root, encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(status).toBe(0);
    });
  }
});

describe('docker/secrets.sh', () => {
  it('makes strong secrets once and keeps them, closed to other users of the machine', () => {
    const folder = makeSecrets();
    const read = () => readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]);
    const first = read();
    makeSecrets();
    expect(read()).toEqual(first);
    expect(new Set(first.map(([, text]) => text)).size).toBe(first.length);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });
});

describe('Dockerfile', () => {
  const lines = readFileSync(path.join(root, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ').split('\n');
  const lastStage = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));

  it('starts node itself, so that signals arrive, and as nobody special', () => {
    expect(lastStage.at(-2)).toMatch(/^CMD \["node", .*"dist\/api\/main\.js"\]$/);
    expect(lastStage.filter((line) => /^(CMD|ENTRYPOINT) [^[]/.test(line))).toEqual([]);
    expect(lastStage).toContain('USER 10001:10001');
  });

  it('gives node the flags that npm start gives it, in every role that serves, and node knows them', () => {
    const image = JSON.parse(lastStage.at(-2)?.slice('CMD '.length) ?? '') as string[];
    const serving = services.filter(([name]) => ['api', 'workers', 'admin'].includes(name));
    const commands = serving.map(([, { command }]) => command ?? image);
    expect(commands.map((command) => command.slice(0, -1))).toEqual(serving.map(() => ['node', ...NODE_FLAGS]));
    expect(spawnSync(process.execPath, [...NODE_FLAGS, '-e', '']).status).toBe(0);
  });

  it('uses one pinned base image that satisfies the supported Node versions', () => {
    const images = lines.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1]);
    expect(new Set(images)).toEqual(new Set([`\${NODE_IMAGE}`]));
    expect(lines).toContainEqual(expect.stringMatching(/^ARG NODE_IMAGE=node:20\.(19|[2-9]\d)\.\d+-bookworm-slim$/));
  });

  it('ships no npm and no development packages', () => {
    expect(lines).toContain('RUN npm ci --omit=dev');
    expect(lastStage.join('\n')).toMatch(/rm -rf \/usr\/local\/lib\/node_modules .*\/usr\/local\/bin\/npm/);
    expect(lastStage.filter((line) => line.includes('npm ci') || line.includes('COPY . '))).toEqual([]);
  });

  it('holds every file that the shipped operator scripts need', () => {
    const copied = lastStage
      .filter((line) => line.startsWith('COPY scripts/'))
      .flatMap((line) => line.split(' ').slice(1, -1));
    const ignoreFile = readFileSync(path.join(root, '.dockerignore'), 'utf8');
    for (const script of copied) expect(ignoreFile).toContain(`!${script}`);
    const scripts = scanFolders(root, ['scripts']).filter((file) => copied.includes(file.path));
    expect(scripts).toHaveLength(copied.length);
    const needed = scripts.flatMap((file) => file.imports.map(({ specifier }) => resolveImport(file.path, specifier)));
    for (const target of needed) {
      if (target !== undefined && !target.startsWith('src/')) expect(copied).toContain(target);
    }
  });
});
