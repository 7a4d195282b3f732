import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

/** docker-compose.yml, read strictly: a misspelled or unexpected member is an error, not an ignored wish. */

const healthcheck = z.strictObject({
  test: z.array(z.string()).min(2),
  interval: z.string().regex(/^\d+s$/),
  timeout: z.string().regex(/^\d+s$/),
  retries: z.number().int().positive(),
  start_period: z.string().regex(/^\d+s$/),
});

const service = z.strictObject({
  image: z.string(),
  build: z.literal('.').optional(),
  hostname: z.string().optional(),
  user: z.string(),
  init: z.boolean(),
  read_only: z.boolean(),
  cap_drop: z.array(z.string()),
  security_opt: z.array(z.string()),
  restart: z.enum(['unless-stopped', 'no']),
  logging: z.strictObject({ driver: z.string(), options: z.record(z.string(), z.string()) }),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.string()),
  volumes: z.array(z.string()).default([]),
  tmpfs: z.array(z.string()).min(1),
  networks: z.array(z.string()).min(1),
  ports: z.array(z.string()).default([]),
  depends_on: z
    .record(
      z.string(),
      z.strictObject({ condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']) }),
    )
    .default({}),
  mem_limit: z.string().regex(/^\d+[mg]$/),
  pids_limit: z.number().int().positive(),
  stop_grace_period: z.string().regex(/^\d+s$/),
  healthcheck: healthcheck.optional(),
});

const composeFile = z
  .object({
    name: z.string(),
    services: z.record(z.string(), service),
    networks: z.record(z.string(), z.strictObject({ internal: z.boolean().optional() }).nullable()),
    volumes: z.record(z.string(), z.null()),
    secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
  })
  .catchall(z.unknown())
  .refine(
    (file) => Object.keys(file).every((name) => name.startsWith('x-') || name in composeFileNames),
    'unknown member',
  );

const composeFileNames = { name: 1, services: 1, networks: 1, volumes: 1, secrets: 1 };

export type ComposeService = z.output<typeof service>;
export type ComposeFile = z.output<typeof composeFile>;

/** Throws with every place where the file is not what this schema describes. */
export function readComposeFile(): ComposeFile {
  const text = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');
  return composeFile.parse(parse(text, { merge: true }));
}
