import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { type Fetch, fetchJson } from './http.ts'
import { SetupError } from './setup-error.ts'

/** The addresses of an issuer's endpoints. */
export interface Places {
  readonly jwks: string
  readonly verify: string
  readonly revocations: string
  readonly admissions: string
  readonly operators: string
}

const MAX_BYTES = 65_536

/**
 * Reads the issuer's discovery document. Rejects unless the document names this issuer, byte for byte, and only
 * addresses on the issuer's own origin. An address on another origin could serve other keys.
 */
export async function discover(fetch: Fetch, issuer: string): Promise<Places> {
  const { json } = await fetchJson(fetch, `${issuer}/.well-known/auth4agent`, MAX_BYTES)
  if (json['issuer'] !== issuer) throw mismatch(`The document at ${issuer} names another issuer:`, json['issuer'])
  const endpoints = json['endpoints']
  const named: Readonly<Record<string, unknown>> =
    typeof endpoints === 'object' && endpoints !== null ? { ...endpoints } : {}
  return {
    jwks: onOrigin(issuer, json['jwks_uri'] ?? `${issuer}/.well-known/jwks.json`),
    verify: onOrigin(issuer, named['verify'] ?? `${issuer}/v1/verify`),
    revocations: onOrigin(issuer, named['revocations'] ?? `${issuer}/v1/revocations`),
    admissions: onOrigin(issuer, named['admissions'] ?? `${issuer}/v1/trust/admissions`),
    operators: onOrigin(issuer, named['operators'] ?? `${issuer}/v1/operators`),
  }
}

function onOrigin(issuer: string, url: unknown): string {
  if (typeof url === 'string' && parseNormalUrl(url)?.origin === new URL(issuer).origin) return url
  throw mismatch('The issuer names an address that is not on its origin, or not in its normal form:', url)
}

function mismatch(what: string, named: unknown): SetupError {
  return new SetupError('ISSUER_MISMATCH', `${what} ${JSON.stringify(named ?? null).slice(0, 200)}`)
}
