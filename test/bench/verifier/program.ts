import { createHash, createPublicKey, verify as cryptoVerify } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createReplayMemory } from '@auth4agent/core/dpop/replay-memory'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { engineChoice } from '@auth4agent/core/keys/ed25519'
import { createVerifier, type RevocationFeed, type VerifierOptions } from '@auth4agent/verifier'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { GOOD_CLAIMS } from '../../support/access-tokens.ts'
import { ISSUER } from '../../support/assertions.ts'
import { chainSigner, newChainHolder, newSigner } from '../../support/signed-chains.ts'
import { testTokenKey } from '../../support/token-keys.ts'
import { summarise } from '../statistics.ts'

/**
 * Prints the cost of a verification in microseconds as JSON: bare, by jose, and by the verifier for new tokens, for
 * tokens that it has seen before, and for such tokens with a new DPoP proof; for chains of grants with a new DPoP
 * proof each; and for tokens that a verifier of two issuers has seen before, of each issuer. Its arguments are the
 * number of rounds, and the number of tokens in each round.
 */

const [ROUNDS, TOKENS] = process.argv.slice(2).map(Number)
const AUDIENCE = 'https://api.example.com'
const SCOPE = 'orders:read'
const WARM_UP = 5
/** Signing a chain takes long, so a round has fewer chains than tokens. */
const CHAINS = Math.ceil((TOKENS ?? 0) / 20)

const key = testTokenKey('EdDSA')
const jwk = { ...key.jwk, alg: 'EdDSA', use: 'sig', kid: key.kid }
const publicKey = createPublicKey({ key: key.jwk, format: 'jwk' })
const localSet = createLocalJWKSet({ keys: [jwk] })

const proofKey = testTokenKey('EdDSA')
const URL_NOW = `${AUDIENCE}/orders`

const grantSigner = newSigner()
const grantJwk = { ...signerJwk(grantSigner), alg: 'Ed25519', use: 'sig', kid: signerKid(grantSigner) }
const chains = chainSigner(grantSigner, { tools: { [`${AUDIENCE}#${SCOPE}`]: {} }, epoch: [1, 1] })
const holders = Array.from({ length: 9 }, () => newChainHolder('a.example'))

const FOREIGN_ISSUER = 'http://localhost:8081'
const foreignKey = testTokenKey('EdDSA')
const foreignJwk = { ...foreignKey.jwk, alg: 'EdDSA', use: 'sig', kid: foreignKey.kid }

function newToken(edits: object = {}, by = key): string {
  const iat = Math.floor(Date.now() / 1_000)
  const times = { iat, nbf: iat, exp: iat + 3_600, jti: crypto.randomUUID() }
  const claims = { ...GOOD_CLAIMS, iss: ISSUER, aud: [AUDIENCE], scope: 'orders:read orders:write', ...times, ...edits }
  return by.sign({ alg: 'EdDSA', typ: 'at+jwt', kid: by.kid }, claims)
}

function newForeignToken(): string {
  const sub = GOOD_CLAIMS.sub.replace('a.example', 'b.example')
  return newToken({ iss: FOREIGN_ISSUER, sub, client_id: sub, scope: 'read write' }, foreignKey)
}

function newProof(token: string): string {
  const ath = createHash('sha256').update(token).digest('base64url')
  const claims = { jti: crypto.randomUUID(), iat: Math.floor(Date.now() / 1_000), htm: 'GET', htu: URL_NOW, ath }
  return proofKey.sign({ alg: 'EdDSA', typ: 'dpop+jwt', jwk: proofKey.jwk }, claims)
}

/** An empty log with a heartbeat each second. */
const feed: RevocationFeed = {
  async *open(_from, signal) {
    for (;;) {
      yield { kind: 'head', position: { logEpoch: 1, sequence: 0, hash: '' }, observedAt: Date.now() }
      await delay(1_000, undefined, { signal })
    }
  },
}
const answers: Readonly<Record<string, object>> = {
  [`${ISSUER}/.well-known/auth4agent`]: { issuer: ISSUER },
  [`${ISSUER}/.well-known/jwks.json`]: { keys: [jwk, grantJwk] },
  [`${FOREIGN_ISSUER}/.well-known/auth4agent`]: { issuer: FOREIGN_ISSUER },
  [`${FOREIGN_ISSUER}/.well-known/jwks.json`]: { keys: [foreignJwk] },
}
const service = {
  audience: AUDIENCE,
  replays: createReplayMemory({ capacity: Number.POSITIVE_INFINITY }),
  fetch: async (url: string) => Response.json(answers[url]),
}
const own: Omit<VerifierOptions, 'audience'> = {
  issuer: ISSUER,
  operators: ['a.example'],
  revocations: feed,
  // The rounds leave the event loop little time for heartbeats.
  maxStaleness: 3_600,
}
const verifier = createVerifier({ ...service, ...own })
const scopes = { read: [SCOPE], write: ['orders:write'] }
const shared = createVerifier({
  ...service,
  issuers: [own, { ...own, issuer: FOREIGN_ISSUER, operators: ['b.example'], scopes }],
})
await Promise.all([verifier.ready(), shared.ready()])

/** Returns a new string with the same token, because each request brings a string for which nothing is cached yet. */
const copyOf = (token: string) => Buffer.from(token, 'latin1').toString('latin1')

/** Returns the microseconds of one call. */
async function time<T>(inputs: readonly T[], call: (input: T) => unknown): Promise<number> {
  const begin = performance.now()
  for (const input of inputs) await call(input)
  return ((performance.now() - begin) / inputs.length) * 1_000
}

interface Parts {
  readonly signed: Buffer
  readonly signature: Buffer
}

function partsOf(token: string): Parts {
  const end = token.lastIndexOf('.')
  return { signed: Buffer.from(token.slice(0, end)), signature: Buffer.from(token.slice(end + 1), 'base64url') }
}

async function measureRound(): Promise<Readonly<Record<string, number>>> {
  const tokens = Array.from({ length: TOKENS ?? 0 }, () => newToken())
  const parts = tokens.map(partsOf)
  const joseOptions = { issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt', algorithms: ['EdDSA'] }
  const bare = await time(parts, ({ signed, signature }) => {
    if (!cryptoVerify(null, signed, publicKey, signature)) throw new Error('crypto.verify refused a valid signature')
  })
  const jose = await time(tokens.map(copyOf), (token) => jwtVerify(token, localSet, joseOptions))
  const fresh = await time(tokens.map(copyOf), (token) => verifier.verify(token, { scope: SCOPE }))
  const seen = await time(tokens.map(copyOf), (token) => verifier.verify(token, { scope: SCOPE }))
  const sharedOwn = await measureSeen(() => newToken())
  const sharedForeign = await measureSeen(newForeignToken)
  const proven = await measureProofs()
  const { fresh: chain, seen: chainSeen } = await measureChains(3)
  const { fresh: longChain } = await measureChains(8)
  return { bare, jose, fresh, seen, sharedOwn, sharedForeign, proven, chain, chainSeen, longChain }
}

/** Measures tokens that a verifier of two issuers has seen before. */
async function measureSeen(make: () => string): Promise<number> {
  const tokens = Array.from({ length: TOKENS ?? 0 }, make)
  await Promise.all(tokens.map(verifyShared))
  return time(tokens.map(copyOf), verifyShared)
}

function verifyShared(token: string) {
  return shared.verify(token, { scope: SCOPE })
}

/** Measures new chains of some hops that have passed through the same agents, and then the last of them again. */
async function measureChains(hops: number): Promise<{ readonly fresh: number; readonly seen: number }> {
  const texts = await Promise.all(Array.from({ length: CHAINS }, () => chains.chainThrough(holders.slice(0, hops + 1))))
  const send = async (chain: string) => ({ chain, dpop: await proofOf(chain, hops) })
  const verify = ({ chain, dpop }: Awaited<ReturnType<typeof send>>) =>
    verifier.verifyDelegated(chain, { scope: SCOPE, dpop })
  const fresh = await time(await Promise.all(texts.map((text) => send(copyOf(text)))), verify)
  const again = await Promise.all(texts.map(() => send(copyOf(texts.at(-1) ?? ''))))
  return { fresh, seen: await time(again, verify) }
}

async function proofOf(chain: string, hops: number) {
  const content = { method: 'GET', url: URL_NOW, nowS: Date.now() / 1_000, accessToken: chain }
  const signer = holders[hops]?.signer
  if (signer === undefined) throw new RangeError(`There is no holder after ${hops} hops`)
  return { proof: await signDpopProof(signer, content), method: 'GET', url: URL_NOW }
}

/** Measures one token that is bound to a key, each time with a new proof. */
async function measureProofs(): Promise<number> {
  const token = newToken({ cnf: { jkt: proofKey.kid } })
  const proofs = Array.from({ length: TOKENS ?? 0 }, () => newProof(token))
  return time(proofs, (proof) => verifier.verify(token, { scope: SCOPE, dpop: { proof, method: 'GET', url: URL_NOW } }))
}

const rounds: Readonly<Record<string, number>>[] = []
for (let round = 0; round < (ROUNDS ?? 0) + WARM_UP; round += 1) rounds.push(await measureRound())
for (const each of [verifier, shared]) {
  const { verifications } = each.metrics()
  if (Object.keys(verifications).join() !== 'VALID')
    throw new Error(`Not all verifications were valid: ${JSON.stringify(verifications)}`)
}
const medians = Object.fromEntries(
  Object.keys(rounds[0] ?? {}).map((name) => [
    name,
    summarise(rounds.slice(WARM_UP).map((round) => round[name] ?? 0))?.median,
  ]),
)
process.stdout.write(JSON.stringify({ engine: engineChoice.engine.name, ...medians }))
verifier.close()
shared.close()
