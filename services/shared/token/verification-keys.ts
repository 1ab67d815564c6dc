import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { KeyState } from '../../../gen/prisma/enums.ts'
import { decodeBase64url } from '../crypto/base64.ts'
import { importPublicKey, type VerifyingKey } from '../crypto/ed25519.ts'
import { isJsonObject } from '../crypto/strict-json.ts'

/** The public half of a signing key. */
export interface VerificationKey {
  readonly kid: string
  /** JOSE algorithm that its tokens carry. */
  readonly alg: string
  readonly state: KeyState
  /** Public key, base64url. */
  readonly x: string
  readonly key: VerifyingKey
}

/** The public halves of all access token keys there have been. */
export interface VerificationKeys {
  /** Finds a key; one that is not known is looked for in the database, at most once in a while. */
  find(kid: string): Promise<VerificationKey | undefined>
  /** All keys, freshly read when the last reading is older than `maxAgeMs`. */
  list(): Promise<readonly VerificationKey[]>
}

/** An unknown kid makes the keys be read again, but not more often than this: unknown kids are anybody's to invent. */
const REREAD_INTERVAL_MS = 1_000
const MAX_AGE_MS = 10_000

/** Reads `jwks_keys`, keeps the public halves in memory. `now` is monotonic, in milliseconds. */
export function createVerificationKeys(prisma: PrismaClient, now: () => number): VerificationKeys {
  let keys = new Map<string, VerificationKey>()
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined

  const read = async () => {
    const startedAt = now()
    const rows = await prisma.jwksKey.findMany({ where: { purpose: 'access_token' }, orderBy: { createdAt: 'asc' } })
    keys = new Map(rows.flatMap((row) => toEntry(row.kid, row.alg, row.state, row.publicJwk)))
    readAt = startedAt
  }
  const readUnlessYounger = async (ageMs: number) => {
    if (now() - readAt <= ageMs) return
    reading ??= read().finally(() => {
      reading = undefined
    })
    await reading
  }
  return {
    async find(kid) {
      await readUnlessYounger(MAX_AGE_MS)
      if (!keys.has(kid)) await readUnlessYounger(REREAD_INTERVAL_MS)
      return keys.get(kid)
    },
    async list() {
      await readUnlessYounger(MAX_AGE_MS)
      return [...keys.values()]
    },
  }
}

function toEntry(kid: string, alg: string, state: KeyState, jwk: unknown): [string, VerificationKey][] {
  const x = isJsonObject(jwk) ? jwk.x : undefined
  const raw = typeof x === 'string' ? decodeBase64url(x) : undefined
  const key = raw && importPublicKey(raw)
  return typeof x === 'string' && key ? [[kid, { kid, alg, state, x, key }]] : []
}
