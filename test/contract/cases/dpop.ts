import { createHash, createHmac, randomUUID } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { OAuthService } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import type { ProofEdits } from '../../support/dpop-proofs.ts'
import { type TestTokenKey, testTokenKey } from '../../support/token-keys.ts'
import { sendHttp } from '../support/http.ts'
import type { ProofTarget, RefusalCase } from '../support/refusal.ts'
import { restRequest } from '../support/rest-request.ts'
import type { World } from '../support/world.ts'
import { DEMANDS, demandDpop } from './audiences.ts'
import { EVERYWHERE, PROOF_KEYS, proofFor } from './proofs.ts'
import { authenticated } from './valid-requests.ts'

const now = () => Math.floor(Date.now() / 1000)

const key = PROOF_KEYS.ES256
const other = testTokenKey('ES256')
const rsa = testTokenKey('RS256')

/** The calls that issue tokens: each with its good request for an audience, and the reason when it is repeated. */
export const ISSUERS = [
  {
    method: AuthnService.method.issueToken,
    reason: 'CHALLENGE_USED',
    request: ({ agents: { active }, challenge }: World, audience: readonly string[] = []) => ({
      ...challenge(active),
      audience: [...audience],
    }),
  },
  {
    method: OAuthService.method.token,
    reason: 'ASSERTION_USED',
    request: ({ agents: { active } }: World, audience: readonly string[] = []) => ({
      grant_type: 'client_credentials',
      ...authenticated(active),
      resource: [...audience],
    }),
  },
] as const

const header = (edits: object) => (): ProofEdits => ({ header: edits })
const claims = (edits: object) => (): ProofEdits => ({ claims: edits })

/** Proofs with one mistake in the header or the claims. */
const BAD_PROOFS: Readonly<Record<string, (target: ProofTarget) => ProofEdits>> = {
  'no typ': header({ typ: undefined }),
  'the typ JWT': header({ typ: 'JWT' }),
  'the typ of a client assertion': header({ typ: 'client-authentication+jwt' }),
  'a typ in upper case': header({ typ: 'DPOP+JWT' }),
  'a typ with its tree': header({ typ: 'application/dpop+jwt' }),
  'alg none': header({ alg: 'none' }),
  'a symmetric alg': header({ alg: 'HS256' }),
  'an alg that does not fit the key': header({ alg: 'EdDSA' }),
  'no alg': header({ alg: undefined }),
  'no key': header({ jwk: undefined }),
  'a text as key': header({ jwk: 'key' }),
  'an empty key': header({ jwk: {} }),
  'the key of another signer': header({ jwk: other.jwk }),
  'a private key': header({ jwk: key.privateKey.export({ format: 'jwk' }) }),
  'a public key with an empty private half': header({ jwk: { ...key.jwk, d: '' } }),
  'a symmetric key': header({ jwk: { kty: 'oct', k: 'AAAA' } }),
  'a point that is not on the curve': header({ jwk: { ...key.jwk, y: encodeBase64url(new Uint8Array(32)) } }),
  'the address of a key': header({ jku: 'https://rogue.com/jwks.json' }),
  'a certificate': header({ x5c: ['AA=='] }),
  'a critical extension': header({ crit: ['exp'] }),
  'no htm': claims({ htm: undefined }),
  'another method': claims({ htm: 'GET' }),
  'its method in lower case': claims({ htm: 'post' }),
  'a list of methods': claims({ htm: ['POST'] }),
  'no htu': claims({ htu: undefined }),
  'another host': ({ url }) => ({ claims: { htu: url.replace('localhost', 'rogue.com') } }),
  'another port': ({ url }) => ({ claims: { htu: url.replace(':8080', ':8081') } }),
  'another scheme': ({ url }) => ({ claims: { htu: url.replace('http:', 'https:') } }),
  'another path': ({ url }) => ({ claims: { htu: `${url}x` } }),
  'its path with a slash at the end': ({ url }) => ({ claims: { htu: `${url}/` } }),
  'its path in upper case': ({ url }) => ({ claims: { htu: new URL(new URL(url).pathname.toUpperCase(), url).href } }),
  'the issuer in place of the URL': ({ url }) => ({ claims: { htu: new URL(url).origin } }),
  'the path of the introspection endpoint': ({ url }) => ({ claims: { htu: new URL('/oauth/introspect', url).href } }),
  'a path without a host': ({ url }) => ({ claims: { htu: new URL(url).pathname } }),
  'the address at which the server listens': ({ url }) => ({ claims: { htu: url.replace('localhost', '127.0.0.1') } }),
  'user information in the URL': ({ url }) => ({ claims: { htu: url.replace('://', '://me@') } }),
  'a list of URLs': ({ url }) => ({ claims: { htu: [url] } }),
  'no iat': claims({ iat: undefined }),
  'iat two minutes ago': () => ({ claims: { iat: now() - 120 } }),
  'iat in the future': () => ({ claims: { iat: now() + 60 } }),
  'iat as text': () => ({ claims: { iat: String(now()) } }),
  'iat with half a second': () => ({ claims: { iat: now() + 0.5 } }),
  'no jti': claims({ jti: undefined }),
  'an empty jti': claims({ jti: '' }),
  'a jti of 257 characters': claims({ jti: 'a'.repeat(257) }),
  'a jti with a blank': claims({ jti: 'a b' }),
  'a number as jti': claims({ jti: 1 }),
  'a number as nonce': claims({ nonce: 1 }),
  'a nonce of null': claims({ nonce: null }),
}

type Make = (edits?: ProofEdits, signer?: TestTokenKey) => string

/** Headers that contain no valid proof. */
const BAD_HEADERS: Readonly<Record<string, (make: Make) => string | string[]>> = {
  'an empty header': () => '',
  'a text that is not a JWT': () => 'proof',
  'an access token': () => 'a.b.c',
  'a proof after a scheme': (make) => `DPoP ${make()}`,
  'a proof of two parts': (make) => make().replace(/\.[^.]*$/, ''),
  'a proof of four parts': (make) => `${make()}.e30`,
  'a proof without its signature': (make) => make().replace(/[^.]*$/, ''),
  'a signature with padding': (make) => `${make()}==`,
  'a changed signature': (make) => make().replace(/[^.]{4}$/, 'AAAA'),
  'the signature of another proof': (make) => make().replace(/[^.]*$/, make().replace(/.*\./, '')),
  'the signature of another key': (make) => make({ header: { jwk: key.jwk } }, other),
  'a proof under RSA': (make) => make({}, rsa),
  'a MAC under the public key': (make) => macOf(make({ header: { alg: 'HS256' } })),
  'a proof of 5 KB': (make) => make({ claims: { x: 'a'.repeat(5000) } }),
  'two proofs': (make) => [make(), make()],
  'two proofs in one header': (make) => `${make()}, ${make()}`,
  'the same proof twice': (make) => {
    const proof = make()
    return [proof, proof]
  },
  'a good proof and an empty one': (make) => [make(), ''],
}

/** Replaces the signature by a MAC whose key is the public key. */
function macOf(proof: string): string {
  const input = proof.replace(/\.[^.]*$/, '')
  return `${input}.${createHmac('sha256', JSON.stringify(key.jwk)).update(input).digest('base64url')}`
}

type Issuer = (typeof ISSUERS)[number]

const invalid = ({ method, request }: Issuer): RefusalCase[] => {
  const refused = (name: string, proof: NonNullable<RefusalCase['proof']>): RefusalCase => ({
    name,
    method,
    reason: 'INVALID_DPOP_PROOF',
    over: EVERYWHERE,
    request: (world) => request(world),
    proof,
  })
  return [
    ...Object.entries(BAD_PROOFS).map(([name, edits]) => refused(name, (_, target) => proofFor(target, edits(target)))),
    ...Object.entries(BAD_HEADERS).map(([name, write]) =>
      refused(name, (_, target) => write((edits, signer) => proofFor(target, edits, signer))),
    ),
  ]
}

/** A proof that was used before: its id is in the memory of used proofs. */
const used = ({ method, request }: Issuer): RefusalCase => {
  let jti = ''
  return {
    name: 'a proof that was used before',
    method,
    reason: 'DPOP_PROOF_USED',
    over: EVERYWHERE,
    request: async (world) => {
      jti = randomUUID()
      const id = createHash('sha256').update(`${key.kid}.${jti}`).digest('base64url')
      const keepUntil = new Date(Date.now() + 600_000)
      await world.db.prisma.usedAssertion.create({ data: { issuer: 'dpop', jti: id, keepUntil } })
      return request(world)
    },
    proof: (_, target) => proofFor(target, { claims: { jti } }),
  }
}

/** A challenge or an assertion that was used before, with a new proof. The refusal must not use up the proof. */
const replayed = ({ method, request, reason }: Issuer): RefusalCase => ({
  name: 'a request that was made before, with a new proof',
  method,
  reason,
  over: EVERYWHERE,
  request: async (world) => {
    const sent = request(world)
    const { status } = await sendHttp(world.server.baseUrl, restRequest(method, sent))
    if (status !== 200) throw new Error(`The first request was refused with ${status}`)
    return sent
  },
  proof: (_, target) => proofFor(target),
})

const [REQUIRED, WITH_NONCE] = Object.keys(DEMANDS).map((host) => `https://${host}/v1`) as [string, string]

/** Nonces that the server does not accept, and proofs without one. */
const BAD_NONCES: Readonly<Record<string, (world: World) => string | undefined>> = {
  'no nonce': () => undefined,
  'an empty nonce': () => '',
  'a nonce that the server did not make': () => 'nonce',
  'an expired nonce': ({ dpopNonce }) => dpopNonce(now() - 1),
  'a nonce with another expiry': ({ dpopNonce }) => dpopNonce().replace(/\.\d+\./, `.${now() + 9999}.`),
  'a nonce with a changed MAC': ({ dpopNonce }) => dpopNonce().replace(/.{4}$/, 'AAAA'),
  'a nonce without its MAC': ({ dpopNonce }) => dpopNonce().replace(/[^.]*$/, ''),
  'a nonce under an unknown key': ({ dpopNonce }) => dpopNonce(now() + 300, { kid: 'AAAAAAAAAAAA' }),
  'a MAC for another purpose': ({ dpopNonce }) => dpopNonce(now() + 300, { label: '' }),
  'a nonce of 3 KB': () => 'a'.repeat(2500),
}

const demanded = ({ method, request }: Issuer): RefusalCase[] => {
  const refused = (name: string, reason: ReasonCode, audience: string[], how: Partial<RefusalCase> = {}) => ({
    name,
    method,
    reason,
    over: EVERYWHERE,
    request: async (world: World) => {
      await demandDpop(world)
      return request(world, audience)
    },
    ...how,
  })
  const ofAnybody = 'https://nobody-operator.com/'
  return [
    refused('no proof for an audience that demands one', 'DPOP_PROOF_REQUIRED', [REQUIRED]),
    refused('no proof for an audience that demands a nonce', 'DPOP_PROOF_REQUIRED', [WITH_NONCE]),
    refused('no proof for two audiences, one of which demands it', 'DPOP_PROOF_REQUIRED', [ofAnybody, REQUIRED]),
    refused('no nonce for two audiences, one of which demands it', 'DPOP_NONCE_REQUIRED', [REQUIRED, WITH_NONCE], {
      proof: (_, target) => proofFor(target),
    }),
    refused('a wrong proof for an audience that demands a nonce', 'INVALID_DPOP_PROOF', [WITH_NONCE], {
      proof: (_, target) => proofFor(target, { claims: { htm: 'PUT' } }),
    }),
    ...Object.entries(BAD_NONCES).map(([name, nonce]) =>
      refused(name, 'DPOP_NONCE_REQUIRED', [WITH_NONCE], {
        proof: (world, target) => proofFor(target, { claims: { nonce: nonce(world) } }),
      }),
    ),
  ]
}

function casesOf(issuer: Issuer): RefusalCase[] {
  return [...invalid(issuer), used(issuer), replayed(issuer), ...demanded(issuer)]
}

/** Cases about DPoP proofs, for every call that issues tokens, over every transport. */
export const dpopCases: readonly RefusalCase[] = ISSUERS.flatMap(casesOf)
