import { type JwsSigner, signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { createVerifier, type MultiIssuerOptions, type TrustedIssuer, type Verifier } from '@auth4agent/verifier'
import { onTestFinished } from 'vitest'
import { handFeed, handLog } from '../../support/hand-feed.ts'
import { DISCOVERY, JWKS, newToken, published } from '../../support/offline-verifier.ts'
import { type ChainSigner, chainSigner, newSigner } from '../../support/signed-chains.ts'
import { type TestTokenKey, testTokenKey } from '../../support/token-keys.ts'
import { newHolder, SHOP, TOOLS } from './chains.ts'

/** The domains of the two issuers in {@link twoIssuers}. */
export const [ACME, CARGO] = ['acme.example', 'cargo.example'] as const

/** A fake issuer that answers from memory, and issues tokens and chains to agents of its domain. */
export interface TestIssuer {
  readonly issuer: string
  readonly domain: string
  readonly key: TestTokenKey
  readonly chains: ChainSigner
  /** Signs the first grants of its chains, and its holder statements. */
  readonly grantSigner: JwsSigner
  /** The published keys. */
  readonly keys: readonly object[]
  /** The answers by path: an object is sent as JSON, and a function returns the response. */
  readonly answers: Record<string, object | (() => Response | Promise<Response>)>
  /** Returns the options with which a verifier trusts this issuer for its domain, without revocations. */
  readonly trusted: (edits?: Partial<TrustedIssuer>) => TrustedIssuer
  /** Issues a token of five minutes. */
  readonly newToken: (claims?: Partial<AccessTokenClaims>, key?: TestTokenKey) => string
}

/** Two fake issuers, and verifiers that trust both. */
export interface TwoIssuers {
  /** The issuer of {@link ACME}, at the root of its origin. */
  readonly alpha: TestIssuer
  /** The issuer of {@link CARGO}, below a path. */
  readonly beta: TestIssuer
  /** Creates a verifier that is closed when the test ends. By default it trusts alpha, and then beta. */
  readonly newVerifier: (options?: Partial<MultiIssuerOptions>) => Verifier
}

/** Creates two fake issuers. */
export function twoIssuers(): TwoIssuers {
  const alpha = testIssuer('https://auth.alpha.example', ACME)
  const beta = testIssuer('https://beta.example/auth', CARGO)
  return {
    alpha,
    beta,
    newVerifier(options = {}) {
      const verifier = createVerifier({
        issuers: [alpha.trusted(), beta.trusted()],
        audience: SHOP,
        fetch: (url) => answerOf([alpha, beta], url),
        ...options,
      })
      onTestFinished(() => verifier.close())
      return verifier
    },
  }
}

/** Two fake issuers, a verifier that follows the log of each, and connections on which the test sends the logs. */
export async function followedIssuers(ofEach: Partial<TrustedIssuer> = {}, options: Partial<MultiIssuerOptions> = {}) {
  const made = twoIssuers()
  const { alpha, beta } = made
  const feeds = { alpha: handFeed(), beta: handFeed() }
  const verifier = made.newVerifier({
    issuers: [
      alpha.trusted({ revocations: feeds.alpha.feed, ...ofEach }),
      beta.trusted({ revocations: feeds.beta.feed, ...ofEach }),
    ],
    ...options,
  })
  const logs = {
    alpha: { log: handLog(), connection: await feeds.alpha.next() },
    beta: { log: handLog(), connection: await feeds.beta.next() },
  }
  return { ...made, verifier, logs }
}

/** Returns the claims that say that an agent of a domain is the subject. */
export function subjectOf(domain: string): Pick<AccessTokenClaims, 'sub' | 'client_id' | 'operator_id'> {
  const { did, operatorId } = newHolder(domain)
  return { sub: did, client_id: did, operator_id: operatorId }
}

function testIssuer(issuer: string, domain: string): TestIssuer {
  const key = testTokenKey('EdDSA')
  const signer = newSigner()
  const grantKey = { ...signerJwk(signer), alg: 'Ed25519', use: 'sig', kid: signerKid(signer) }
  const keys = [published(key), grantKey]
  return {
    issuer,
    domain,
    key,
    keys,
    grantSigner: signer,
    chains: chainSigner(signer, { tools: TOOLS, epoch: [3, 2], issuer }),
    answers: { [DISCOVERY]: { issuer }, [JWKS]: { keys } },
    trusted: (edits = {}) => ({ issuer, operators: [domain], revocations: 'none', ...edits }),
    newToken(claims = {}, by = key) {
      const nowS = Math.floor(Date.now() / 1_000)
      return newToken(by, { iss: issuer, exp: nowS + 300, ...subjectOf(domain), ...claims })
    },
  }
}

async function answerOf(issuers: readonly TestIssuer[], url: string): Promise<Response> {
  const found = issuers.find(({ issuer }) => url.startsWith(`${issuer}/`))
  const answer = found?.answers[url.slice(found.issuer.length)]
  if (answer === undefined) throw new TypeError(`${url} cannot be reached`)
  return typeof answer === 'function' ? answer() : Response.json(answer)
}
