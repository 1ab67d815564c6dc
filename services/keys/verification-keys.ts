import { isDeepStrictEqual } from 'node:util'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { isTokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { KeyFinder, VerificationKey } from '@auth4agent/core/token/access-token'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import type { JwksKey, PrismaClient } from '../../gen/prisma/client.ts'
import type { KeyPurpose } from '../../gen/prisma/enums.ts'
import type { KeyKind } from './domain/key-kinds.ts'
import { OF_KNOWN_PURPOSE } from './key-store.ts'

/** The public half of a signing key of any purpose. */
export interface PublicSigningKey extends VerificationKey, KeyKind {}

/**
 * The public halves of all signing keys, retired and compromised keys included. `find` finds only keys that sign
 * access tokens, so a token that a key of another purpose has signed has an unknown key.
 */
export interface VerificationKeys extends KeyFinder {
  /** Finds a token key. Reads the database for an unknown kid, but at most once a second. */
  find(kid: string): Promise<VerificationKey | undefined>
  /** Finds a token key in the database, with a read that begins after this call. */
  findNow(kid: string): Promise<VerificationKey | undefined>
  /** Finds only keys that sign grants and statements about holders, in the same two ways. */
  readonly grantKeys: KeyFinder
  /** Returns the keys of all purposes. Reads them again when the last read is older than `maxAgeMs`. */
  list(): Promise<readonly PublicSigningKey[]>
  /** Returns the keys of all purposes, with a read that begins after this call. */
  listNow(): Promise<readonly PublicSigningKey[]>
}

type Row = Pick<JwksKey, 'kid' | 'purpose' | 'alg' | 'state' | 'publicJwk'>

/** Minimum milliseconds between two reads because of an unknown kid. A limit is needed: a caller can invent kids. */
const REREAD_INTERVAL_MS = 1_000
const MAX_AGE_MS = 10_000
const COLUMNS = { kid: true, purpose: true, alg: true, state: true, publicJwk: true }

/**
 * Creates a reader of the table `jwks_keys` that keeps the public halves in memory. It leaves out rows whose algorithm
 * it does not know, and rows whose key does not match the kid.
 * @param now returns the time of a monotonic clock in milliseconds
 * @param maxAgeMs age of the keys in memory, in milliseconds, after which they are read again before an answer
 */
export function createVerificationKeys(
  prisma: PrismaClient,
  now: () => number,
  maxAgeMs = MAX_AGE_MS,
): VerificationKeys {
  let keys: ReadonlyMap<string, PublicSigningKey> = new Map()
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined
  let next: Promise<void> | undefined

  const read = async () => {
    const startedAt = now()
    const rows = await prisma.jwksKey.findMany({
      where: OF_KNOWN_PURPOSE,
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
  /** Begins a read after the read that is running. All calls until it begins share this read. */
  const readAfresh = () => {
    next ??= Promise.resolve(reading?.catch(() => undefined)).then(() => {
      next = undefined
      return readShared()
    })
    return next
  }
  const finderOf = (purpose: KeyPurpose): KeyFinder => {
    const keyOf = (kid: string) => {
      const key = keys.get(kid)
      return key?.purpose === purpose ? key : undefined
    }
    return {
      async find(kid) {
        await readUnlessYounger(maxAgeMs)
        if (!keys.has(kid)) await readUnlessYounger(REREAD_INTERVAL_MS)
        return keyOf(kid)
      },
      async findNow(kid) {
        await readAfresh()
        return keyOf(kid)
      },
    }
  }
  return {
    ...finderOf('access_token'),
    grantKeys: finderOf('grant'),
    async list() {
      await readUnlessYounger(maxAgeMs)
      return [...keys.values()]
    },
    async listNow() {
      await readAfresh()
      return [...keys.values()]
    },
  }
}

/**
 * Returns the entry of a row. Reuses the imported key when the row's key is unchanged, because importing a key can
 * take ten times as long as verifying a signature.
 */
function toEntry(
  { kid, purpose, alg, state, publicJwk }: Row,
  before: PublicSigningKey | undefined,
): [string, PublicSigningKey][] {
  if (!isTokenAlgorithm(alg)) return []
  const isKept = before !== undefined && before.alg === alg && isDeepStrictEqual(before.jwk, publicJwk)
  const verifier = isKept ? before : importTokenVerifier(alg, publicJwk)
  if (verifier === undefined || jwkThumbprint(verifier.jwk) !== kid) return []
  return [[kid, { kid, purpose, alg, state, jwk: verifier.jwk, verify: verifier.verify }]]
}
