import type { formatDelegatedClaims } from '@auth4agent/core/delegation/delegated-claims'
import type { formatUserClaims } from '@auth4agent/core/delegation/user-claims'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import type { KeyPurpose } from '../../gen/prisma/enums.ts'
import type { PrivateTokenKey } from '../platform/crypto/token-key.ts'
import { ApiError, toApiError } from '../platform/errors/api-error.ts'
import { StartupError } from '../platform/errors/startup-error.ts'
import { type Span, traced } from '../platform/trace/span.ts'
import type { KeyProvider, KeyRow } from './key-provider.ts'
import { findRow, findUsable } from './key-store.ts'
import { WrongKeyError } from './key-vault.ts'

/** Signs JWTs of one type with the signing keys of one purpose. It never uses a key of another purpose. */
export interface JwtSigner<Claims extends object> {
  /**
   * Signs the claims as a JWT in compact form, with canonical base64url.
   * @param kid id of a key that is or was active
   * @param span of the call that needs the JWT
   * @throws ApiError UNAVAILABLE when the private half of the key cannot be used
   */
  sign(kid: string, claims: Claims, span?: Span): Promise<string>
  /** Opens the active and prepared keys and drops all others. Tries every key, and then throws the first error. */
  refresh(): Promise<void>
}

/** Signs access tokens (RFC 9068). `kid` names the key that was active when the challenge was redeemed. */
export type TokenSigner = JwtSigner<
  AccessTokenClaims | ReturnType<typeof formatDelegatedClaims> | ReturnType<typeof formatUserClaims>
>

interface OpenKey {
  /** Encoded JOSE header. */
  readonly header: string
  readonly key: PrivateTokenKey
  /** Whether a hardware token signs. Otherwise, signing takes microseconds and gets no span. */
  readonly isOutside: boolean
}

/** What a signer signs. */
interface Signs {
  /** The purpose of its keys. */
  readonly purpose: KeyPurpose
  /** The `typ` of its JWTs. */
  readonly type: string
}

/**
 * Creates a signer that has no open keys yet. `refresh` opens keys, and `sign` opens its key when it is not open yet.
 */
export function createJwtSigner<Claims extends object>(
  { purpose, type }: Signs,
  prisma: PrismaClient,
  provider: Pick<KeyProvider, 'open'>,
): JwtSigner<Claims> {
  const keys = new Map<string, Promise<OpenKey>>()

  const open = (row: KeyRow): Promise<OpenKey> => {
    const known = keys.get(row.kid)
    if (known !== undefined) return known
    const opening = provider.open(row).then(
      (key) => ({ header: headerOf(row, type), key, isOutside: row.externalRef !== null }),
      (error: unknown) => {
        throw error instanceof WrongKeyError ? error : new StartupError(explain(row, error))
      },
    )
    keys.set(row.kid, opening)
    // After a failure the next call tries again.
    opening.catch(() => keys.get(row.kid) === opening && keys.delete(row.kid))
    return opening
  }
  const find = async (kid: string): Promise<OpenKey> => {
    const known = keys.get(kid)
    if (known !== undefined) return known
    const row = await findRow(prisma, purpose, kid)
    if (row === null) throw new Error(`Signing key ${kid} is not in the database`)
    return open(row)
  }
  return {
    async sign(kid, claims, span) {
      const { header, key, isOutside } = await find(kid).catch((error: unknown) => {
        throw unusable(kid, error)
      })
      const signingInput = `${header}.${encodeBase64url(Buffer.from(JSON.stringify(claims)))}`
      const sign = async () => key.sign(Buffer.from(signingInput, 'latin1'))
      return `${signingInput}.${encodeBase64url(await traced(isOutside ? span : undefined, `sign ${purpose}`, sign))}`
    },
    async refresh() {
      const rows = await findUsable(prisma, purpose)
      const results = await Promise.allSettled(rows.map(open))
      const usable = new Set(rows.map(({ kid }) => kid))
      for (const kid of keys.keys()) if (!usable.has(kid)) keys.delete(kid)
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    },
  }
}

function headerOf({ alg, kid }: KeyRow, typ: string): string {
  return encodeBase64url(Buffer.from(JSON.stringify({ alg, typ, kid })))
}

function explain({ kid }: KeyRow, error: unknown): string {
  return `Signing key ${kid} cannot be used: ${error instanceof Error ? error.message : String(error)}`
}

/** Returns UNAVAILABLE instead of INTERNAL, because a retry may succeed: another process may be able to sign. */
function unusable(kid: string, cause: unknown): ApiError {
  const error = toApiError(cause)
  if (error.reason !== 'INTERNAL') return error
  return new ApiError('UNAVAILABLE', `The private half of signing key ${kid} cannot be used`, { cause, retryAfter: 1 })
}
