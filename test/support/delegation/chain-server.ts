import { CHAIN_ISSUER, GRANT_KEY, ISSUED } from '../grant-chains.ts'

/** A time at which the chains of grant-chains.ts are valid, in Unix milliseconds. */
export const CHAIN_TIME_MS = (ISSUED + 600) * 1000

/** A fetch that answers as the issuer of the chains does, and what was asked. */
export interface ChainServer {
  readonly fetch: typeof globalThis.fetch
  /** The bodies of the calls of VerifyToken. */
  readonly verified: readonly Readonly<Record<string, unknown>>[]
}

/** Why a server refuses a chain, and at which place. With `onlyCalls`, it refuses calls and accepts inspections. */
interface Refused {
  readonly reason: string
  readonly hop?: number
  readonly onlyCalls?: boolean
}

/** Makes a server that publishes the key of the chains. It refuses a chain for the given reason at the given place. */
export function chainServer({ onlyCalls = false, ...refused }: Partial<Refused> = {}): ChainServer {
  const verified: Record<string, unknown>[] = []
  const jwks = { keys: [{ ...GRANT_KEY.jwk, kid: GRANT_KEY.kid, alg: 'Ed25519', use: 'sig' }] }
  const answerTo = (path: string, body: Record<string, unknown>) => {
    if (path === '/.well-known/jwks.json') return jwks
    if (path !== '/v1/verify') throw new RangeError(`Nobody expects a call of ${path}`)
    verified.push(body)
    const valid = refused.reason === undefined || (onlyCalls && body['delegation'] === 'inspect')
    return valid ? { valid, revoked: false } : { valid, revoked: true, ...refused }
  }
  return {
    verified,
    async fetch(input, init) {
      const url = new URL(input instanceof Request ? input.url : input)
      if (url.origin !== CHAIN_ISSUER) throw new RangeError(`Nobody expects a call of ${url.origin}`)
      const body: Record<string, unknown> = typeof init?.body === 'string' ? JSON.parse(init.body) : {}
      return Response.json(answerTo(url.pathname, body))
    },
  }
}
