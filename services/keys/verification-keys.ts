import { isDeepStrictEqual } from 'node:util'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { isTokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { KeyFinder, VerificationKey } from '@auth4agent/core/token/access-token'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import type { JwksKey, PrismaClient } from '../../gen/prisma/client.ts'

/** The public halves of all access token keys there have been. */
export interface VerificationKeys extends KeyFinder {
  /** Finds a key; one that is not known is looked for in the database, at most once in a while. */
  find(kid: string): Promise<VerificationKey | undefined>
  /** Finds a key as it stands after this call has begun; asks the database each time. */
  findNow(kid: string): Promise<VerificationKey | undefined>
  /** All keys, freshly read when the last reading is older than `maxAgeMs`. */
  list(): Promise<readonly VerificationKey[]>
}

type Row = Pick<JwksKey, 'kid' | 'alg' | 'state' | 'publicJwk'>

/** An unknown kid makes the keys be read again before their time, but not more often than this: unknown kids are anybody's to invent. */
const REREAD_INTERVAL_MS = 1_000
const MAX_AGE_MS = 10_000
const COLUMNS = { kid: true, alg: true, state: true, publicJwk: true }

/**
 * Reads `jwks_keys`, keeps the public halves in memory. `now` is monotonic, in milliseconds; so is `maxAgeMs`, after which the keys
 * are read again before anything is answered. A row that does not hold the key that its kid names is left out.
 */
export function createVerificationKeys(
  prisma: PrismaClient,
  now: () => number,
  maxAgeMs = MAX_AGE_MS,
): VerificationKeys {
  let keys: ReadonlyMap<string, VerificationKey> = new Map()
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined
  let next: Promise<void> | undefined

  const read = async () => {
    const startedAt = now()
    const rows = await prisma.jwksKey.findMany({
      where: { purpose: 'access_token' },
      orderBy: { createdAt: 'asc' },
      select: COLUMNS,
    })
    keys = new Map(rows.flatMap((row) => toEntry(row, keys.get(row.kid))))
    readAt = startedAt
  }
  const readShared = () => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
  const readUnlessYounger = async (ageMs: number) => {
    if (now() - readAt > ageMs) await readShared()
  }
  /** One reading for all who asked before it began. */
  const readAfresh = () => {
    next ??= Promise.resolve(reading?.catch(() => undefined)).then(() => {
      next = undefined
      return readShared()
    })
    return next
  }
  return {
    async find(kid) {
      await readUnlessYounger(maxAgeMs)
      if (!keys.has(kid)) await readUnlessYounger(REREAD_INTERVAL_MS)
      return keys.get(kid)
    },
    async findNow(kid) {
      await readAfresh()
      return keys.get(kid)
    },
    async list() {
      await readUnlessYounger(maxAgeMs)
      return [...keys.values()]
    },
  }
}

/** Keeps what was imported before while the row says the same: importing can cost ten times what verifying does. */
function toEntry(
  { kid, alg, state, publicJwk }: Row,
  before: VerificationKey | undefined,
): [string, VerificationKey][] {
  if (!isTokenAlgorithm(alg)) return []
  const isKept = before !== undefined && before.alg === alg && isDeepStrictEqual(before.jwk, publicJwk)
  const verifier = isKept ? before : importTokenVerifier(alg, publicJwk)
  if (verifier === undefined || jwkThumbprint(verifier.jwk) !== kid) return []
  return [[kid, { kid, alg, state, jwk: verifier.jwk, verify: verifier.verify }]]
}
