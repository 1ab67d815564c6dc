import { type Fetch, fetchJson } from './http.ts'
import { SetupError } from './setup-error.ts'

/** Where an issuer's things are. */
export interface Places {
  readonly jwks: string
  readonly verify: string
  readonly revocations: string
}

const MAX_BYTES = 65_536

/**
 * Reads the issuer's discovery document. Rejects unless it says that it is of this issuer, byte for byte, and keeps everything on the
 * issuer's own origin: whoever could name another place would name the keys.
 */
export async function discover(fetch: Fetch, issuer: string): Promise<Places> {
  const { json } = await fetchJson(fetch, `${issuer}/.well-known/auth4agent`, MAX_BYTES)
  if (json['issuer'] !== issuer) throw mismatch(`the document at ${issuer} names the issuer`, json['issuer'])
  const endpoints = json['endpoints']
  const named: Readonly<Record<string, unknown>> =
    typeof endpoints === 'object' && endpoints !== null ? { ...endpoints } : {}
  return {
    jwks: onOrigin(issuer, json['jwks_uri'] ?? `${issuer}/.well-known/jwks.json`),
    verify: onOrigin(issuer, named['verify'] ?? `${issuer}/v1/verify`),
    revocations: onOrigin(issuer, named['revocations'] ?? `${issuer}/v1/revocations`),
  }
}

function onOrigin(issuer: string, url: unknown): string {
  if (typeof url === 'string' && URL.canParse(url)) {
    const { origin, username, password } = new URL(url)
    if (origin === new URL(issuer).origin && username === '' && password === '') return url
  }
  throw mismatch('the issuer names an address that is not on its origin:', url)
}

function mismatch(what: string, named: unknown): SetupError {
  return new SetupError('ISSUER_MISMATCH', `${what} ${JSON.stringify(named ?? null).slice(0, 200)}`)
}
