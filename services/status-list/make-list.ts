import { createHash } from 'node:crypto'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type pg from 'pg'
import type { SignalSigners } from '../keys/index.ts'
import type { ChainedClaims } from './domain/describe-token.ts'
import { listClaims } from './domain/list-claims.ts'
import { compressBits, STATUS, setStatus, statusAt } from './domain/status-bits.ts'
import { aggregationUrl, statusListUrl } from './places.ts'
import { type ChainedEntry, readChained, readStatuses } from './store/read-statuses.ts'

/** Dependencies of createListMaker. */
export interface MakeListDeps {
  readonly pool: pg.Pool
  readonly issuer: string
  readonly ttlS: number
  /** Signs lists of each algorithm as tokens of the algorithm are signed. */
  readonly signers: SignalSigners['statusList']
  /** Returns why a token for a grant of another deployment has ended there. */
  readonly checkHome: (claims: ChainedClaims) => Promise<Verdict | undefined>
}

/** A signed list. */
export interface MadeList {
  readonly token: string
  /** Entity tag of the token (RFC 9110 section 8.8.3). */
  readonly etag: string
  /** When its statuses were read, in Unix milliseconds. */
  readonly atMs: number
}

/** Makes lists from the database. */
export interface ListMaker {
  /**
   * Makes a list.
   *
   * @returns undefined if there is no such list
   * @throws ApiError UNAVAILABLE when the statuses cannot be known, or no key can sign
   */
  make(id: string): Promise<MadeList | undefined>
}

/** Creates the maker of one process. It remembers which tokens have ended at other deployments. */
export function createListMaker(deps: MakeListDeps): ListMaker {
  const { pool, issuer, ttlS, signers } = deps
  /** Indices by list. Finding such an end may need the database, and it never becomes undone. */
  const endedAbroad = new Map<string, Set<number>>()
  return {
    async make(id) {
      const read = await readStatuses(pool, id)
      if (read === undefined) {
        endedAbroad.delete(id)
        return undefined
      }
      const { alg, atMs, bits } = read
      const known = endedAbroad.get(id) ?? new Set()
      await endAbroad(deps, id, bits, known)
      if (known.size > 0) endedAbroad.set(id, known)
      const facts = { issuer, url: statusListUrl(issuer, id), aggregationUrl: aggregationUrl(issuer), atMs, ttlS }
      const token = await signers[alg].sign(listClaims(facts, await compressBits(bits)))
      return { token, etag: `"${createHash('sha256').update(token).digest('base64url')}"`, atMs }
    },
  }
}

/** Tokens that are checked at the same time. */
const AT_A_TIME = 8

/** Asks about the tokens that can end at another deployment. An entry that follows later can only end a token. */
async function endAbroad(deps: MakeListDeps, id: string, bits: Buffer, known: Set<number>): Promise<void> {
  for (let after = -1; ; ) {
    const entries = await readChained(deps.pool, id, after)
    const queue = entries.values()
    const worker = async () => {
      for (const entry of queue) await endOneAbroad(deps, entry, bits, known)
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, worker))
    const last = entries.at(-1)
    if (last === undefined) return
    after = last.index
  }
}

async function endOneAbroad(
  { checkHome }: MakeListDeps,
  { index, claims }: ChainedEntry,
  bits: Buffer,
  known: Set<number>,
): Promise<void> {
  if (statusAt(bits, index) !== STATUS.valid) return
  const verdict = known.has(index) ? 'TOKEN_REVOKED' : await checkHome(claims)
  if (verdict === undefined) return
  if (FINAL.has(verdict)) known.add(index)
  setStatus(bits, index, FINAL.has(verdict) ? STATUS.invalid : STATUS.suspended)
}

/** Verdicts that never change. After the others, this deployment may trust or know the other one again. */
const FINAL: ReadonlySet<Verdict> = new Set<Verdict>([
  'TOKEN_REVOKED',
  'AGENT_TOKENS_ENDED',
  'OPERATOR_TOKENS_ENDED',
  'ISSUER_DISABLED',
  'TRUST_ENDED',
])
