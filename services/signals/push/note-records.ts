import type pg from 'pg'
import { inTransaction } from '../../platform/db/transaction.ts'
import { FIND_CONCERNED, keysOf, type NamedRecord, namesOf } from '../events/concerning.ts'

/** How many records are noted at once. */
const PART = 500

/** Finds a row if records may wait to be noted. */
const WAITING = `
SELECT FROM signal_dispatch d, revocation_head h
WHERE d.id = 1 AND h.id = 1 AND (d.sequence <> h.sequence OR d.hash <> h.hash)`

/**
 * Reads the next records with their places, or the head of the log if there are none. `continues` says whether the log
 * continues where it was noted: the record after that place is still there, and follows the noted one. If not, a
 * standby was promoted that lacked records, or nothing was noted for longer than records are kept.
 */
const READ = `
WITH place AS (
  SELECT d.sequence AS noted, h.log_epoch, h.sequence, h.hash,
    coalesce(d.sequence BETWEEN h.compacted_through AND h.sequence
      AND d.hash = CASE WHEN d.sequence = h.sequence THEN h.hash
        ELSE (SELECT previous_hash FROM revocation_log WHERE sequence = d.sequence + 1) END, false) AS continues
  FROM signal_dispatch d, revocation_head h WHERE d.id = 1 AND h.id = 1
)
SELECT p.continues, p.sequence::float8 AS head, r.kind, r.operator_id AS "operatorId", r.subject,
  CASE r.kind WHEN 'operator' THEN (SELECT domain FROM operators o WHERE o.id = r.operator_id) END AS domain,
  coalesce(r.log_epoch, p.log_epoch) AS "logEpoch", coalesce(r.sequence, p.sequence)::float8 AS sequence,
  coalesce(r.hash, p.hash) AS hash
FROM place p LEFT JOIN LATERAL (
  SELECT log_epoch, sequence, hash, kind, operator_id, subject FROM revocation_log
  WHERE p.continues AND sequence > p.noted ORDER BY sequence LIMIT ${PART}
) r ON true ORDER BY r.sequence`

const NOTE = `
UPDATE signal_streams s SET newest = n.newest FROM unnest($1::uuid[], $2::bigint[]) n (id, newest)
WHERE s.id = n.id AND s.newest < n.newest`

const NOTE_EVERYWHERE = 'UPDATE signal_streams SET newest = $1 WHERE newest < $1'

/** A stream may be ahead of the log, and must be due nevertheless. */
const NOTE_LOSS = 'UPDATE signal_streams SET newest = greatest($1, sequence + 1)'

const MOVE = 'UPDATE signal_dispatch SET log_epoch = $1, sequence = $2, hash = $3 WHERE id = 1'

/** A record, or the head of the log: then `kind` is null. */
interface Place extends NamedRecord {
  readonly continues: boolean
  readonly head: number
  readonly logEpoch: number
  readonly sequence: number
  readonly hash: Buffer
}

/**
 * Notes each new record at the streams that it may concern, so that they are due. The work depends on the records, and
 * not on the number of streams and subjects. The processes take turns; a process that finds nothing new locks and
 * writes nothing. If the log does not continue where it was noted, all streams are due, and each finds what it has
 * lost.
 */
export async function noteRecords(pool: pg.Pool): Promise<void> {
  const { rowCount } = await pool.query({ name: 'signal-waiting', text: WAITING })
  for (let more = rowCount === 1; more; ) more = await notePart(pool)
}

function notePart(pool: pg.Pool): Promise<boolean> {
  return inTransaction(pool, 'change', async (client) => {
    // A statement of its own: the next one must see the streams whose creation has just let go of this lock.
    await client.query('SELECT FROM signal_dispatch WHERE id = 1 FOR UPDATE')
    const { rows } = await client.query<Place>({ name: 'signal-records', text: READ })
    const last = rows.at(-1)
    if (last !== undefined) await note(client, rows, last)
    return last !== undefined && last.sequence < last.head
  })
}

async function note(client: pg.ClientBase, places: readonly Place[], last: Place): Promise<void> {
  const { continues, logEpoch, sequence, hash } = last
  if (continues && last.kind === null) return
  if (continues) await noteEach(client, places)
  else await client.query(NOTE_LOSS, [sequence])
  await client.query(MOVE, [logEpoch, sequence, hash])
}

/** Notes at each stream the last record that may concern it. */
async function noteEach(client: pg.ClientBase, places: readonly Place[]): Promise<void> {
  const everywhere = places.findLast(({ operatorId }) => operatorId === null)
  if (everywhere !== undefined) await client.query(NOTE_EVERYWHERE, [everywhere.sequence])
  const operatorIds = [...new Set(places.flatMap(({ operatorId }) => operatorId ?? []))]
  const keys = [...new Set(places.flatMap(keysOf))]
  const domains = [...new Set(places.flatMap(({ domain }) => domain ?? []))]
  const values = [operatorIds, keys, domains]
  const found = await client.query<{ id: string; name: string }>({ name: 'signal-find', text: FIND_CONCERNED, values })
  // In the order of the log, so a later record replaces an earlier one.
  const last = new Map(places.flatMap((place) => namesOf(place).map((name) => [name, place.sequence] as const)))
  const newest = new Map<string, number>()
  for (const { id, name } of found.rows) newest.set(id, Math.max(newest.get(id) ?? 0, last.get(name) ?? 0))
  await client.query({ name: 'signal-note', text: NOTE, values: [[...newest.keys()], [...newest.values()]] })
}
