import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { statusListBase, type TokenStatus } from '@auth4agent/core/token/status'
import type pg from 'pg'
import { createGroupCommit } from '../platform/db/group-commit.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { TokenEnds } from './domain/describe-token.ts'
import { STATUS_LIST_PLACES } from './domain/status-bits.ts'
import { type Entry, recordEntries } from './store/record-entries.ts'
import { BLOCK_PLACES, BLOCK_USE_S, type Block, reserveBlock } from './store/reserve-block.ts'

/** Gives places in status lists to new tokens. */
export interface Places {
  /**
   * Returns the claim `status` of a new token. The token's entry is committed before this method returns, so a list
   * shows the end of the token from then on. No other token ever gets the same place.
   *
   * @param alg signs the token, and the list
   * @throws ApiError UNAVAILABLE when the lists are full or the database cannot record the entry
   */
  take(alg: TokenAlgorithm, ends: TokenEnds): Promise<TokenStatus>
  /** Returns the longest claim that a token can have. */
  longest(): TokenStatus
}

/** Dependencies of createPlaces. */
export interface PlacesDeps {
  readonly pool: pg.Pool
  readonly issuer: string
  /** Returns the time of a clock that is never set, in milliseconds. */
  readonly monotonic: () => number
  /** Limit of the lists. Replaces the default. */
  readonly maxLists?: number
}

interface OpenBlock extends Block {
  readonly usableUntil: number
  used: number
}

/** Maximum number of statements at the same time, and of entries in one. */
const MAX_STATEMENTS = 2
const MAX_BATCH = 64

/** A second attempt is needed when a promotion or the end of all tokens has made the block void. */
const ATTEMPTS = 2

/** Returns the URL of a status list, which tokens and the list itself contain. */
export function statusListUrl(issuer: string, id: string): string {
  return statusListBase(issuer) + id
}

/** Returns the URL of the list of all status lists. */
export function aggregationUrl(issuer: string): string {
  return `${issuer}/v1/status-lists`
}

/** Creates the places of one process. It reserves a block when a token needs one. */
export function createPlaces({ pool, issuer, monotonic, maxLists }: PlacesDeps): Places {
  const blocks = new Map<TokenAlgorithm, Promise<OpenBlock>>()
  const record = createGroupCommit<Entry, boolean>({
    send: (entries) => recordEntries(pool, entries),
    maxBatch: MAX_BATCH,
    maxStatements: MAX_STATEMENTS,
  })

  const reserve = async (alg: TokenAlgorithm): Promise<OpenBlock> => {
    const usableUntil = monotonic() + BLOCK_USE_S * 1000
    return { ...(await reserveBlock(pool, alg, maxLists)), usableUntil, used: 0 }
  }
  const reserveNext = (alg: TokenAlgorithm): Promise<OpenBlock> => {
    const next = reserve(alg)
    blocks.set(alg, next)
    next.catch(() => forget(alg, next))
    return next
  }
  const forget = (alg: TokenAlgorithm, block: Promise<OpenBlock>) => {
    if (blocks.get(alg) === block) blocks.delete(alg)
  }
  const isSpent = ({ used, usableUntil }: OpenBlock) => used === BLOCK_PLACES || monotonic() >= usableUntil
  /** Tokens that find the block spent wait for the same next block. */
  const nextPlace = async (alg: TokenAlgorithm) => {
    for (;;) {
      const known = blocks.get(alg) ?? reserveNext(alg)
      const block = await known
      if (isSpent(block)) {
        forget(alg, known)
        continue
      }
      const place = block.first + block.used
      block.used += 1
      return { listId: block.listId, index: block.indexOf(place), discard: () => forget(alg, known) }
    }
  }
  return {
    async take(alg, ends) {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const { listId, index, discard } = await nextPlace(alg)
        const isRecorded = await record({ listId, index, ends }).catch((error: unknown) => {
          discard()
          throw error
        })
        if (isRecorded) return { status_list: { idx: index, uri: statusListUrl(issuer, listId) } }
        discard()
      }
      throw new ApiError('UNAVAILABLE', 'The status lists changed during every attempt; try again', { retryAfter: 1 })
    },
    longest: () => ({ status_list: { idx: STATUS_LIST_PLACES - 1, uri: statusListUrl(issuer, '0'.repeat(36)) } }),
  }
}
