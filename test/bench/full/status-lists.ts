import { randomUUID } from 'node:crypto'
import type { BenchOperator } from '../contenders/enrol.ts'
import { memoryOf } from '../usage.ts'
import type { World } from '../world.ts'
import { addAgents } from './populate.ts'

/** What a status list costs that is full of tokens, by the share of the tokens that have ended. */
interface MeasuredList {
  readonly endedShare: number
  /** Size of the signed list. */
  readonly bytes: number
  /** Time from the request to the whole answer, while nobody has asked for the list before. */
  readonly firstMs: number
  /** The same for the next requests. */
  readonly laterMs: number
  /** Memory of the server afterwards; undefined if /proc does not report it. */
  readonly rss: number | undefined
}

/** The measured lists, and the memory of the server before the first one. */
export interface StatusListFindings {
  readonly tokens: number
  readonly agents: number
  readonly rssBefore: number | undefined
  readonly lists: readonly MeasuredList[]
}

const TOKENS = 2 ** 20
const AGENTS = 10_000
const SHARES = [0, 0.001, 0.01, 0.1, 0.5, 1]
const LATER = 20
/** Statements of the server may take 1.6 s. Those that fill the tables take longer. */
const FILL = `INSERT INTO status_entries (list_id, idx, part, operator_id, sub, jti, agent_epoch, operator_epoch, kid,
    edges, keep_until)
  SELECT $1, n, 0, a.operator_id, a.did, gen_random_uuid(), a.epoch, 1, 'none', '{}', now() + interval '1 hour'
  FROM generate_series(0, ${TOKENS - 1}) n
  JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM agents) a ON a.place = n % (SELECT count(*) FROM agents)`
const NEXT = `UPDATE status_entries SET list_id = $2, agent_epoch = CASE WHEN random() < $3 THEN 1000 ELSE 1 END
  WHERE list_id = $1`

/** Fills a list with 2^20 tokens of many agents, and asks the server for it with more and more of them ended. */
export async function measureStatusLists({ db, ours }: World): Promise<StatusListFindings> {
  const { rows } = await db.query<BenchOperator>('SELECT id, domain FROM operators ORDER BY domain')
  await addAgents(db, rows, 1, AGENTS)
  const memory = async () => (await memoryOf(ours.pid))?.rss
  const rssBefore = await memory()
  const ids = SHARES.map(() => randomUUID())
  for (const id of ids) {
    await db.query(
      `INSERT INTO status_lists (id, alg, blocks, secret, timeline, first_epoch, ends_at)
       SELECT $1, 'EdDSA', 1024, '', wal_timeline(), first_epoch, now() + interval '1 day' FROM deployment`,
      [id],
    )
  }
  await db.query(FILL, [ids[0]])
  const lists: MeasuredList[] = []
  for (const [at, endedShare] of SHARES.entries()) {
    const [id, before] = [ids[at], ids[Math.max(0, at - 1)]]
    if (at > 0) await db.query(NEXT, [before, id, endedShare])
    await db.query('VACUUM ANALYZE status_entries')
    const first = await get(ours.http, String(id))
    const begin = performance.now()
    for (let turn = 0; turn < LATER; turn += 1) await get(ours.http, String(id))
    lists.push({ endedShare, ...first, laterMs: (performance.now() - begin) / LATER, rss: await memory() })
  }
  return { tokens: TOKENS, agents: AGENTS, rssBefore, lists }
}

/** Asks until there is an answer: on a busy machine, making a list may take longer than a request may wait. */
async function get(http: string, id: string): Promise<{ readonly bytes: number; readonly firstMs: number }> {
  const begin = performance.now()
  for (;;) {
    const answer = await fetch(`${http}/v1/status-lists/${id}`)
    const { byteLength: bytes } = await answer.arrayBuffer()
    if (answer.status === 200) return { bytes, firstMs: performance.now() - begin }
    if (answer.status !== 504) throw new Error(`The server answered ${answer.status} for a status list`)
  }
}
