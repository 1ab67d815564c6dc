import { createHash } from 'node:crypto'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type pg from 'pg'
import type { SignalSigners } from '../keys/index.ts'
import type { ChainedClaims } from './domain/describe-token.ts'
import { listClaims } from './domain/list-claims.ts'
import { compressBits, STATUS, type Status, setStatus, statusAt } from './domain/status-bits.ts'
import { aggregationUrl, statusListUrl } from './places.ts'
import { readChained, readStatuses } from './store/read-statuses.ts'

/** Dependencies of makeList. */
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

/**
 * Makes a list from the database.
 *
 * @returns undefined if there is no such list
 * @throws ApiError UNAVAILABLE when the statuses cannot be known, or no key can sign
 */
export async function makeList(deps: MakeListDeps, id: string): Promise<MadeList | undefined> {
  const { pool, issuer, ttlS, signers } = deps
  const read = await readStatuses(pool, id)
  if (read === undefined) return undefined
  const { alg, atMs, bits } = read
  await endAbroad(deps, id, bits)
  const facts = { issuer, url: statusListUrl(issuer, id), aggregationUrl: aggregationUrl(issuer), atMs, ttlS }
  const token = await signers[alg].sign(listClaims(facts, await compressBits(bits)))
  return { token, etag: `"${createHash('sha256').update(token).digest('base64url')}"`, atMs }
}

/** Asks about the tokens that can end at another deployment. An entry that follows later can only end a token. */
async function endAbroad({ pool, checkHome }: MakeListDeps, id: string, bits: Buffer): Promise<void> {
  let after = -1
  for (;;) {
    const entries = await readChained(pool, id, after)
    for (const { index, claims } of entries) {
      if (statusAt(bits, index) !== STATUS.valid) continue
      const verdict = await checkHome(claims)
      if (verdict !== undefined) setStatus(bits, index, STATUS_ABROAD[verdict] ?? STATUS.invalid)
    }
    const last = entries.at(-1)
    if (last === undefined) return
    after = last.index
  }
}

/** Verdicts that may change again, because this deployment does not know enough about the other one now. */
const STATUS_ABROAD: Partial<Record<Verdict, Status>> = {
  ISSUER_KEYS_UNAVAILABLE: STATUS.suspended,
  ISSUER_REVOCATIONS_STALE: STATUS.suspended,
}
