/** The part of mongod's command line that matters here; the rest is accepted and ignored. */
export type MongodArguments = {
  port: number;
  host: string;
  dbPath: string;
  replicaSet: string | undefined;
  wantsAuth: boolean;
};

/** @throws Error when --port is no port. */
export function parseArguments(args: readonly string[]): MongodArguments {
  const values = new Map<string, string>();
  const flags = new Set<string>();
  for (const [index, argument] of args.entries()) {
    if (!argument.startsWith('--')) continue;
    const [name = '', inline] = argument.slice(2).split(/=(.*)/s);
    const next = args[index + 1];
    if (inline !== undefined) values.set(name, inline);
    else if (next !== undefined && !next.startsWith('--')) values.set(name, next);
    else flags.add(name);
  }
  const port = Number(values.get('port') ?? 27017);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new Error(`--port ${values.get('port')} is not a port`);
  return {
    port,
    host: values.get('bind_ip')?.split(',')[0] ?? '127.0.0.1',
    dbPath: values.get('dbpath') ?? '/data/db',
    replicaSet: values.get('replSet'),
    wantsAuth: flags.has('auth') || values.has('keyFile'),
  };
}
