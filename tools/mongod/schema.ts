/** The gateway's own objects in the database: records of writes that a driver may send again. */
import type { Storage } from './storage.ts';
import { takeConnection } from './storage.ts';

/** The state of a write that has to go the long way, see `runMany` in writes.ts. */
export const NEEDS_LONG_WAY = 'GW001';
export const RETRIES_KEY = 'retries_pkey';

/** Runs several statements and records the reply, all in one call. Anything but plain success undoes it. */
function writeOnce(kind: string): string {
  return `
CREATE OR REPLACE FUNCTION gateway.${kind}_once(
  db text, spec documentdb_core.bson, docs documentdb_core.bsonsequence, key text, OUT answer text
) LANGUAGE plpgsql AS $$
DECLARE
  earlier record;
  outcome record;
BEGIN
  SELECT reply, succeeded INTO earlier FROM gateway.retries WHERE id = key;
  IF FOUND AND earlier.succeeded = 't' THEN
    answer := earlier.reply;
    RETURN;
  END IF;
  IF NOT FOUND THEN
    SELECT p_result::text AS reply, p_success AS succeeded INTO outcome FROM documentdb_api.${kind}(db, spec, docs, NULL);
  END IF;
  IF outcome IS NULL OR NOT outcome.succeeded THEN
    RAISE EXCEPTION 'not a plain success' USING ERRCODE = '${NEEDS_LONG_WAY}';
  END IF;
  IF key IS NOT NULL THEN
    INSERT INTO gateway.retries (id, reply, succeeded) VALUES (key, outcome.reply, 't');
  END IF;
  answer := outcome.reply;
END $$`;
}

/** The indexes that postgresql.conf asks for. Data of earlier versions lack them, and keep the indexes they have. */
export const CREATE_INDEX_METHOD = 'CREATE EXTENSION IF NOT EXISTS documentdb_extended_rum';

/**
 * A document up to this size stays in its row. By postgres' own rule one of more than 2 kB lies beside it, and every change writes the
 * row, the document, the index of the documents beside, and leaves as much behind. Larger ones do better there: with half a page and
 * more a change finds no room on the page of the row.
 */
const INLINE_BYTES_MAX = 4080;

/** The extension makes a table for each collection, by `create` or by the first insert. */
const KEEP_INLINE = `
CREATE OR REPLACE FUNCTION gateway.keep_inline() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
  made record;
BEGIN
  FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
    IF made.object_type = 'table' AND made.schema_name = 'documentdb_data' THEN
      EXECUTE format('ALTER TABLE %s SET (toast_tuple_target = ${INLINE_BYTES_MAX})', made.object_identity);
    END IF;
  END LOOP;
END $$`;

const SCHEMA = [
  CREATE_INDEX_METHOD,
  'CREATE SCHEMA IF NOT EXISTS gateway',
  `CREATE TABLE IF NOT EXISTS gateway.retries (
    id text CONSTRAINT ${RETRIES_KEY} PRIMARY KEY, reply text, succeeded text, at timestamptz NOT NULL DEFAULT now()
  )`,
  'CREATE INDEX IF NOT EXISTS retries_at ON gateway.retries (at)',
  ...['insert', 'update', 'delete'].map(writeOnce),
  KEEP_INLINE,
  'DROP EVENT TRIGGER IF EXISTS gateway_keep_inline',
  `CREATE EVENT TRIGGER gateway_keep_inline ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
    EXECUTE FUNCTION gateway.keep_inline()`,
];

/** Creates what is not there yet. */
export async function ensureSchema(storage: Storage): Promise<void> {
  const connection = await takeConnection(storage.writes);
  let isBad = true;
  try {
    await connection.execute(SCHEMA.join(';\n'));
    isBad = false;
  } finally {
    storage.writes.give(connection, isBad);
  }
}
