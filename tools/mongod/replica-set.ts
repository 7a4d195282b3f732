/** The single-node replica set: its configuration (kept beside the data) and what it tells about itself. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { ObjectId } from 'bson';
import type { Doc } from './bson.ts';
import { isDoc } from './bson.ts';
import { WireError } from './errors.ts';

export type ReplicaSet = {
  /** Undefined for a standalone server. */
  name: string | undefined;
  /** The part of `hello` that tells the role. */
  role(): Doc;
  /** @throws WireError when there is one already, or when it is not a single node of this set. */
  initiate(config: unknown): void;
  reconfigure(config: unknown): void;
  /** @throws WireError when it was not initiated. */
  config(): Doc;
  status(): Doc;
  isInitiated(): boolean;
};

const INVALID_CONFIG = 93;

/**
 * @param address where clients reach this server, `host:port`; a kept configuration is moved to it.
 * @param onPrimary called when the node becomes primary.
 */
export function openReplicaSet(
  name: string | undefined,
  file: string,
  address: string,
  onPrimary: () => void,
): ReplicaSet {
  const electionId = new ObjectId();
  let config = name === undefined ? undefined : readConfig(file, name, address);

  function check(candidate: unknown): Doc {
    const members = isDoc(candidate) ? candidate.members : undefined;
    const isMine = isDoc(candidate) && candidate._id === name && Array.isArray(members) && members.length === 1;
    if (!isMine)
      throw new WireError(
        INVALID_CONFIG,
        'InvalidReplicaSetConfig',
        `this engine is a single-node replica set named ${name}`,
      );
    return { version: 1, ...candidate };
  }

  function keep(next: Doc): void {
    writeFileSync(`${file}.new`, `${JSON.stringify(next, undefined, 2)}\n`);
    renameSync(`${file}.new`, file);
    config = next;
  }

  function uninitiated(): WireError {
    return new WireError(94, 'NotYetInitialized', 'no replset config has been received');
  }

  return {
    name,
    role() {
      if (name === undefined) return { isWritablePrimary: true, ismaster: true };
      if (config === undefined) {
        const info = 'Does not have a valid replica set config';
        return { isWritablePrimary: false, ismaster: false, secondary: false, isreplicaset: true, info };
      }
      const set = {
        setName: name,
        setVersion: config.version,
        electionId,
        hosts: [address],
        primary: address,
        me: address,
      };
      return { isWritablePrimary: true, ismaster: true, secondary: false, ...set };
    },
    initiate(candidate) {
      if (name === undefined)
        throw new WireError(76, 'NoReplicationEnabled', 'This node was not started with replication enabled.');
      if (config !== undefined) throw new WireError(23, 'AlreadyInitialized', 'already initialized');
      keep(withHost(check(candidate), address));
      onPrimary();
    },
    reconfigure(candidate) {
      if (config === undefined) throw uninitiated();
      const version = Number(config.version ?? 0) + 1;
      keep({ ...withHost(check(candidate), address), version });
    },
    config() {
      if (config === undefined) throw uninitiated();
      return config;
    },
    status() {
      if (config === undefined) throw uninitiated();
      return {
        set: name,
        myState: 1,
        members: [{ _id: 0, name: address, health: 1, state: 1, stateStr: 'PRIMARY', self: true }],
      };
    },
    isInitiated: () => config !== undefined,
  };
}

function readConfig(file: string, name: string, address: string): Doc | undefined {
  if (!existsSync(file)) return undefined;
  const kept: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isDoc(kept) || kept._id !== name) throw new Error(`the data belong to another replica set than ${name}`);
  return withHost(kept, address);
}

function withHost(config: Doc, address: string): Doc {
  const members: unknown = config.members;
  const first: unknown = Array.isArray(members) ? members[0] : undefined;
  return { ...config, members: [{ ...(isDoc(first) ? first : { _id: 0 }), host: address }] };
}
