import { randomInt } from 'node:crypto'
import type { Client } from 'pg'
import { until } from '../../support/until.ts'

/** A step of a rotation where the database can be made to wait. */
export interface Halt {
  readonly name: string
  /** The trigger's event and its condition, separated by " * ". */
  readonly event: string
  /** Whether the commit of the transaction waits, and not the statement. */
  readonly atCommit?: true
}

/** Every statement of a rotation that writes, and its commit. */
export const HALTS: readonly Halt[] = [
  { name: 'the commit', event: `AFTER UPDATE ON jwks_keys * NEW.state = 'active'`, atCommit: true },
  { name: 'the old key stops signing', event: `BEFORE UPDATE ON jwks_keys * NEW.state = 'retiring'` },
  { name: 'the new key starts to sign', event: `BEFORE UPDATE ON jwks_keys * NEW.state = 'active'` },
  { name: 'a new key is prepared', event: `BEFORE INSERT ON jwks_keys * NEW.state = 'prepared'` },
  { name: 'the audit record', event: `BEFORE INSERT ON audit_logs * NEW.action = 'key.activate'` },
]

/** A gate that makes the connections of one process wait in the middle of a transaction. */
export interface Gate {
  /** The application name of these connections, which is in the URL of the database. */
  readonly application: string
  close(halt: Halt): Promise<void>
  /** Resolves when a connection waits. */
  untilWaiting(): Promise<void>
  /** Lets the database continue. Resolves when no connection of the dead process is left. */
  open(): Promise<void>
}

/** Installs the gate in a database. `db` holds the gate's lock and takes no other locks. */
export async function createGate(db: Client, application: string): Promise<Gate> {
  const lock = randomInt(2 ** 31)
  await db.query(`
    CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF current_setting('application_name') = '${application}' THEN PERFORM pg_advisory_xact_lock(${lock}); END IF;
      RETURN NEW;
    END $$`)
  let table = ''
  const count = async (query: string) => Number((await db.query<{ count: string }>(query)).rows[0]?.count)
  return {
    application,
    async close({ event, atCommit }) {
      const [when = '', condition = ''] = event.split(' * ')
      table = when.split(' ').at(-1) ?? ''
      await db.query(`SELECT pg_advisory_lock(${lock})`)
      await db.query(`
        CREATE ${atCommit ? 'CONSTRAINT' : ''} TRIGGER gate ${when} ${atCommit ? 'DEFERRABLE INITIALLY DEFERRED' : ''}
        FOR EACH ROW WHEN (${condition}) EXECUTE FUNCTION wait_at_gate()`)
    },
    async untilWaiting() {
      await until(
        () => count(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = ${lock} AND NOT granted`),
        (waiting) => waiting > 0,
      )
    },
    async open() {
      await db.query(`SELECT pg_advisory_unlock(${lock})`)
      await until(
        () => count(`SELECT count(*) FROM pg_stat_activity WHERE application_name = '${application}'`),
        (connections) => connections === 0,
      )
      await db.query(`DROP TRIGGER gate ON ${table}`)
    },
  }
}
