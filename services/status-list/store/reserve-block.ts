import { randomBytes } from 'node:crypto'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { MAX_TOKEN_TTL_S } from '@auth4agent/core/token/claims'
import type pg from 'pg'
import { KEEP_BEYOND_EXPIRY_S } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { createPermutation } from '../domain/permute.ts'

/** Number of places in a block. */
export const BLOCK_PLACES = 1_024
/** How long a process may give out the places of a block, in seconds. */
export const BLOCK_USE_S = 600
/** The most lists that one deployment has at a time: 256 million tokens that have not expired. */
const MAX_LISTS = 256

/** A block of a list that belongs to this process alone. */
export interface Block {
  readonly listId: string
  /** The first of its places. */
  readonly first: number
  /** Returns the index of a place of the list. */
  readonly indexOf: (place: number) => number
}

/** When no token in a block that is reserved now can be valid any more. */
const ENDS = `clock_timestamp() + make_interval(secs => ${BLOCK_USE_S + MAX_TOKEN_TTL_S + 2 * KEEP_BEYOND_EXPIRY_S})`
/** Lists in which this database remembers every place. */
const IS_WHOLE = 'timeline = wal_timeline() AND first_epoch = (SELECT first_epoch FROM deployment)'

/** The oldest list is filled first. A list with its end in the past may be removed at any moment. */
const RESERVE = `
WITH open AS (
  SELECT id FROM status_lists
  WHERE alg = $1 AND blocks < 2 ^ 20 / ${BLOCK_PLACES} AND ${IS_WHOLE} AND ends_at > clock_timestamp()
  ORDER BY created_at, id LIMIT 1 FOR UPDATE
)
UPDATE status_lists l SET blocks = l.blocks + 1, ends_at = greatest(l.ends_at, ${ENDS})
FROM open WHERE l.id = open.id RETURNING l.id::text, l.blocks - 1 AS block, l.secret`

const CREATE = `
INSERT INTO status_lists (alg, blocks, secret, timeline, first_epoch, ends_at)
SELECT $1, 1, $2, wal_timeline(), d.first_epoch, ${ENDS} FROM deployment d
WHERE (SELECT count(*) FROM status_lists WHERE ends_at > clock_timestamp()) < $3
RETURNING id::text, 0 AS block, secret`

interface BlockRow {
  readonly id: string
  readonly block: number
  readonly secret: Buffer
}

/**
 * Reserves a block for this process. The reservation is committed before this function returns, and no other process
 * ever gets the block. A block that is lost in a crash stays unused.
 *
 * @throws ApiError UNAVAILABLE when the deployment has the most lists that it may have
 */
export async function reserveBlock(pool: pg.Pool, alg: TokenAlgorithm, maxLists = MAX_LISTS): Promise<Block> {
  const reserved = await pool.query<BlockRow>({ name: 'reserve-status-block', text: RESERVE, values: [alg] })
  const { rows } =
    reserved.rows.length > 0 ? reserved : await pool.query<BlockRow>(CREATE, [alg, randomBytes(32), maxLists])
  const [row] = rows
  if (row === undefined) {
    throw new ApiError(
      'UNAVAILABLE',
      `The status lists have room for ${maxLists} times 2^20 tokens, and all are full`,
      {
        retryAfter: 60,
      },
    )
  }
  return { listId: row.id, first: row.block * BLOCK_PLACES, indexOf: createPermutation(row.secret) }
}
