import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { createVerifier, VerificationError, type Verifier, type VerifierOptions } from '@auth4agent/verifier'
import { onTestFinished } from 'vitest'
import { GOOD_CLAIMS } from './access-tokens.ts'
import { ISSUER } from './assertions.ts'
import { type TestTokenKey, testTokenKey } from './token-keys.ts'

/** Returns the JWK that a server publishes for a key. */
export const published = ({ jwk, alg, kid }: TestTokenKey) => ({ ...jwk, alg, use: 'sig', kid })

/** Creates a token that is valid now. */
export function newToken(key: TestTokenKey, claims: Partial<AccessTokenClaims> = {}): string {
  const iat = Math.floor(Date.now() / 1_000)
  const times = { iat, nbf: iat, exp: iat + 900, jti: crypto.randomUUID() }
  return key.sign({ alg: key.alg, typ: 'at+jwt', kid: key.kid }, { ...GOOD_CLAIMS, ...times, ...claims })
}

/** A fake server that answers the requests of a verifier from memory. */
export interface FakeIssuer {
  readonly key: TestTokenKey
  /** The answers by path: an object is sent as JSON, and a function returns the response. */
  readonly answers: Record<string, object | (() => Response | Promise<Response>)>
  /** How often each path was requested. */
  readonly asked: Record<string, number>
  newVerifier(options?: Partial<VerifierOptions>): Verifier
}

/** The path of online verifications. */
export const VERIFY = '/v1/verify'
export const JWKS = '/.well-known/jwks.json'
export const DISCOVERY = '/.well-known/auth4agent'

/** Answers as a revocation log that has no records: it sends two heartbeats, and then stays open. */
export function emptyLog(): Response {
  const head = { position: { log_epoch: 1, sequence: 0, hash: '' }, observed_at: new Date().toISOString() }
  const event = `event: head\ndata: ${JSON.stringify(head)}\n\n`
  const body = new ReadableStream({ start: (out) => out.enqueue(new TextEncoder().encode(event + event)) })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

/** Creates a fake server with one key. Its verifiers are closed when the test ends. */
export function fakeIssuer(): FakeIssuer {
  const key = testTokenKey('EdDSA')
  const answers: FakeIssuer['answers'] = { [DISCOVERY]: { issuer: ISSUER }, [JWKS]: { keys: [published(key)] } }
  const asked: Record<string, number> = {}
  return {
    key,
    answers,
    asked,
    newVerifier(options = {}) {
      const verifier = createVerifier({
        issuer: ISSUER,
        audience: GOOD_CLAIMS.aud,
        operators: 'any',
        revocations: 'none',
        fetch: async (url) => {
          const path = new URL(url).pathname
          asked[path] = (asked[path] ?? 0) + 1
          const answer = answers[path]
          if (answer === undefined) throw new TypeError(`${path} cannot be reached`)
          return typeof answer === 'function' ? answer() : Response.json(answer)
        },
        ...options,
      })
      onTestFinished(() => verifier.close())
      return verifier
    },
  }
}

/** Returns VALID, or the reason why the token is refused. Throws any other error. */
export async function outcomeOf(verifier: Verifier, token: string, wanted = {}): Promise<string> {
  try {
    await verifier.verify(token, wanted)
    return 'VALID'
  } catch (error) {
    if (error instanceof VerificationError) return error.reason
    throw error
  }
}
