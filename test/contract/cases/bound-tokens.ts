import { createHash } from 'node:crypto'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { JsonObject } from '@bufbuild/protobuf'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import type { ProofEdits } from '../../support/dpop-proofs.ts'
import { endToken } from '../support/end-token.ts'
import { sendHttp } from '../support/http.ts'
import { restRequest } from '../support/rest-request.ts'
import type { World } from '../support/world.ts'
import { PROOF_KEYS, proofFor } from './proofs.ts'
import type { VerdictCase } from './verdict-case.ts'

const KEY = PROOF_KEYS.ES256
/** The request that carried the token. */
const TARGET = { method: 'GET', url: 'https://api.acme-operator.com/orders' }

const now = () => Math.floor(Date.now() / 1000)

/** Creates a token that is bound to the key of the proofs. */
export const boundToken = ({ token }: World, claims: object = {}): string => token({ cnf: { jkt: KEY.kid }, ...claims })

/** Returns the fields about a good proof for a token, changed by `edits`. */
export function proofFields(token: string, edits: ProofEdits = {}, signer = KEY) {
  const ath = createHash('sha256').update(token).digest('base64url')
  const dpop_proof = proofFor(TARGET, { ...edits, claims: { ath, ...edits.claims } }, signer)
  return { dpop_proof, http_method: TARGET.method, http_url: TARGET.url }
}

type Fields = (token: string, world: World) => JsonObject

const edited =
  (edits: ProofEdits): Fields =>
  (token) =>
    proofFields(token, edits)

/** Proofs that do not fit the token or the request that carried it. */
const BAD_PROOFS: Readonly<Record<string, Fields>> = {
  'a text that is not a JWT': (token) => ({ ...proofFields(token), dpop_proof: 'proof' }),
  'two proofs': (token) => ({
    ...proofFields(token),
    dpop_proof: `${proofFields(token).dpop_proof}, ${proofFields(token).dpop_proof}`,
  }),
  'a proof of 5 KB': edited({ claims: { x: 'a'.repeat(5000) } }),
  'the proof of another key': (token) => proofFields(token, {}, PROOF_KEYS.EdDSA),
  'no typ': edited({ header: { typ: undefined } }),
  'the typ JWT': edited({ header: { typ: 'JWT' } }),
  'a symmetric alg': edited({ header: { alg: 'HS256' } }),
  'no key': edited({ header: { jwk: undefined } }),
  'a private key': edited({ header: { jwk: KEY.privateKey.export({ format: 'jwk' }) } }),
  'a critical extension': edited({ header: { crit: ['exp'] } }),
  'a changed signature': (token) => ({
    ...proofFields(token),
    dpop_proof: proofFields(token).dpop_proof.replace(/[^.]{4}$/, 'AAAA'),
  }),
  'no ath': edited({ claims: { ath: undefined } }),
  'ath of another token': (_, world) => proofFields(boundToken(world)),
  'ath with padding': (token) =>
    proofFields(token, { claims: { ath: createHash('sha256').update(token).digest('base64') } }),
  'ath in hex': (token) => proofFields(token, { claims: { ath: createHash('sha256').update(token).digest('hex') } }),
  'the token itself as ath': (token) => proofFields(token, { claims: { ath: token } }),
  'a number as ath': edited({ claims: { ath: 1 } }),
  'another method': edited({ claims: { htm: 'POST' } }),
  'its method in lower case': edited({ claims: { htm: 'get' } }),
  'a request with another method': (token) => ({ ...proofFields(token), http_method: 'POST' }),
  'a request with its method in lower case': (token) => ({ ...proofFields(token), http_method: 'get' }),
  'another host': edited({ claims: { htu: 'https://rogue.com/orders' } }),
  'another path': edited({ claims: { htu: `${TARGET.url}/1` } }),
  'a request to another path': (token) => ({ ...proofFields(token), http_url: `${TARGET.url}/1` }),
  'a request to another host': (token) => ({ ...proofFields(token), http_url: 'https://rogue.com/orders' }),
  'no htu': edited({ claims: { htu: undefined } }),
  'no iat': edited({ claims: { iat: undefined } }),
  'iat two minutes ago': (token) => proofFields(token, { claims: { iat: now() - 120 } }),
  'iat in the future': (token) => proofFields(token, { claims: { iat: now() + 60 } }),
  'no jti': edited({ claims: { jti: undefined } }),
  'a jti of 257 characters': edited({ claims: { jti: 'a'.repeat(257) } }),
  'a number as nonce': edited({ claims: { nonce: 1 } }),
}

const bound = (name: string, verdict: Verdict, more: Partial<VerdictCase>): VerdictCase => ({
  name,
  verdict,
  token: boundToken,
  ...more,
})

/** Verifies a token with these fields, so that its proof is used. */
async function use(token: string, fields: JsonObject, { server }: World): Promise<void> {
  const { text } = await sendHttp(server.baseUrl, restRequest(AuthnService.method.verifyToken, { token, ...fields }))
  const { valid }: { valid?: unknown } = JSON.parse(text)
  if (valid !== true) throw new Error(`The first use was refused: ${text}`)
}

/** Creates a token that is bound and revoked. */
export async function revokedToken(world: World): Promise<string> {
  const jti = crypto.randomUUID()
  await endToken(world, world.operators.acme.id, jti)
  return boundToken(world, { jti })
}

/** Tokens that are bound to a key and come without a good proof of it, and tokens that are not bound. */
export const boundCases: readonly VerdictCase[] = [
  bound('a bound token without a proof', 'PROOF_REQUIRED', {}),
  bound('a bound token that was revoked, without a proof', 'PROOF_REQUIRED', {
    token: revokedToken,
  }),
  ...Object.entries(BAD_PROOFS).map(([name, proof]) => bound(name, 'PROOF_INVALID', { proof })),
  bound('a proof that was used for the same token', 'PROOF_REPLAYED', {
    async proof(token, world) {
      const fields = proofFields(token)
      await use(token, fields, world)
      return fields
    },
  }),
  bound('a proof whose jti was used for another token', 'PROOF_REPLAYED', {
    async proof(token, world) {
      const [first, jti] = [boundToken(world), crypto.randomUUID()]
      await use(first, proofFields(first, { claims: { jti } }), world)
      return proofFields(token, { claims: { jti } })
    },
  }),
  bound('a token that is not bound, with a good proof', 'TOKEN_NOT_BOUND', {
    token: ({ token }) => token(),
    proof: (token) => proofFields(token),
  }),
  bound('a wrong proof with a token that lacks the scope', 'SCOPE_MISSING', {
    wanted: { scope: 'write' },
    proof: edited({ claims: { htm: 'POST' } }),
  }),
  bound('a wrong proof with an expired token', 'TOKEN_EXPIRED', {
    token: (world) => boundToken(world, { iat: now() - 86_400, nbf: now() - 86_400, exp: now() - 86_000 }),
    proof: edited({ claims: { htm: 'POST' } }),
  }),
]
