import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { ACCESS_TOKEN_TYPE, type AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import type { PrivateTokenKey } from '../platform/crypto/token-key.ts'
import { ApiError, toApiError } from '../platform/errors/api-error.ts'
import { StartupError } from '../platform/errors/startup-error.ts'
import type { KeyProvider, KeyRow } from './key-provider.ts'
import { findRow, findUsable } from './key-store.ts'
import { WrongKeyError } from './key-vault.ts'

/** Signs access tokens. */
export interface TokenSigner {
  /**
   * The JWT of the claims (RFC 9068) under a key, canonical base64url, compact. Throws UNAVAILABLE where the key's private half
   * cannot be had. Which key signs is for the caller to say: the statement that used the challenge up has seen it.
   */
  sign(kid: string, claims: AccessTokenClaims): Promise<string>
  /** Opens the keys that sign or will, and forgets the others. Throws the first error once all have been tried. */
  refresh(): Promise<void>
}

interface OpenKey {
  /** Encoded JOSE header. */
  readonly header: string
  readonly key: PrivateTokenKey
}

/** A signer without keys: `refresh` opens them, and one that is first met when it is to sign is opened then. */
export function createTokenSigner(prisma: PrismaClient, provider: Pick<KeyProvider, 'open'>): TokenSigner {
  const keys = new Map<string, Promise<OpenKey>>()

  const open = (row: KeyRow): Promise<OpenKey> => {
    const known = keys.get(row.kid)
    if (known !== undefined) return known
    const opening = provider.open(row).then(
      (key) => ({ header: headerOf(row), key }),
      (error: unknown) => {
        throw error instanceof WrongKeyError ? error : new StartupError(explain(row, error))
      },
    )
    keys.set(row.kid, opening)
    // The next who asks tries again.
    opening.catch(() => keys.get(row.kid) === opening && keys.delete(row.kid))
    return opening
  }
  const find = async (kid: string): Promise<OpenKey> => {
    const known = keys.get(kid)
    if (known !== undefined) return known
    const row = await findRow(prisma, kid)
    if (row === null) throw new Error(`signing key ${kid} is not in the database`)
    return open(row)
  }
  return {
    async sign(kid, claims) {
      const { header, key } = await find(kid).catch((error: unknown) => {
        throw unusable(kid, error)
      })
      const signingInput = `${header}.${encodeBase64url(Buffer.from(JSON.stringify(claims)))}`
      return `${signingInput}.${encodeBase64url(await key.sign(Buffer.from(signingInput, 'latin1')))}`
    },
    async refresh() {
      const rows = await findUsable(prisma)
      const results = await Promise.allSettled(rows.map(open))
      const usable = new Set(rows.map(({ kid }) => kid))
      for (const kid of keys.keys()) if (!usable.has(kid)) keys.delete(kid)
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    },
  }
}

function headerOf({ alg, kid }: KeyRow): string {
  return encodeBase64url(Buffer.from(JSON.stringify({ alg, typ: ACCESS_TOKEN_TYPE, kid })))
}

function explain({ kid }: KeyRow, error: unknown): string {
  return `Signing key ${kid} cannot be used: ${error instanceof Error ? error.message : String(error)}`
}

/** The agent cannot mend it, and a new challenge may be signed by another process. */
function unusable(kid: string, cause: unknown): ApiError {
  const error = toApiError(cause)
  if (error.reason !== 'INTERNAL') return error
  return new ApiError('UNAVAILABLE', `the signing key ${kid} cannot be used`, { cause, retryAfter: 1 })
}
