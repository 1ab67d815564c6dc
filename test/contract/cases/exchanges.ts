import { randomUUID } from 'node:crypto'
import { signerJwk } from '@auth4agent/core/jose/signer-jwk'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { JsonObject } from '@bufbuild/protobuf'
import { OAuthService } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { ACCESS_TOKEN, EXCHANGE, GRANT_CHAIN } from '../../support/exchanges.ts'
import { DETAILS, detailsOf } from '../../support/grant-details.ts'
import { chainThrough, handOn, lastId, rootFor, SHOP } from '../../support/held-chains.ts'
import { signCompactJws } from '../../support/jws.ts'
import { endTrust, newTrust } from '../../support/trust-records.ts'
import { endToken, untilKnown } from '../support/end-token.ts'
import type { ProofTarget, RefusalCase } from '../support/refusal.ts'
import type { AgentName, SeededAgent } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import { holderOf } from './chain-verdicts.ts'
import { grantAbroad } from './foreign-verdicts.ts'
import { BAD_DETAILS } from './grants.ts'
import { authenticated } from './valid-requests.ts'

const method = OAuthService.method.token
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** Signs a DPoP proof by the identity key of an agent. */
export function proofBy({ pair }: SeededAgent, { method: htm, url: htu }: ProofTarget): string {
  const header = { typ: 'dpop+jwt', alg: 'EdDSA', jwk: signerJwk(pair) }
  return signCompactJws(header, { jti: randomUUID(), htm, htu, iat: now() }, pair.privateKey)
}

const now = () => Math.floor(Date.now() / 1000)

/** Signs a chain from acme's active agent to the committed one. */
function chainOf({ agents, keys }: World): Promise<string> {
  return chainThrough(keys.grants, [holderOf(agents.active), holderOf(agents.committed)])
}

/** Returns an access token of acme's active agent that the committed one may exchange, with edits. */
export function mayAct({ token, agents }: World, claims: object = {}): string {
  const bound = { cnf: { jkt: 'A'.repeat(43) }, may_act: { sub: agents.committed.did } }
  return token({ ...bound, aud: [SHOP], ...claims })
}

/** Returns a good request for an exchange of a chain. */
export async function exchangeRequest(world: World, fields: JsonObject = {}): Promise<JsonObject> {
  return {
    grant_type: EXCHANGE,
    subject_token: await chainOf(world),
    subject_token_type: GRANT_CHAIN,
    resource: [SHOP],
    scope: 'read',
    ...authenticated(world.agents.committed),
    ...fields,
  }
}

type Fields = JsonObject | ((world: World) => JsonObject | Promise<JsonObject>)

function exchange(name: string, reason: ReasonCode, fields: Fields, by: AgentName = 'committed'): RefusalCase {
  return {
    name: `an exchange: ${name}`,
    reason,
    method,
    async request(world) {
      const own = typeof fields === 'function' ? await fields(world) : fields
      return exchangeRequest(world, { ...authenticated(world.agents[by]), ...own })
    },
    proof: (world, target) => proofBy(world.agents[by], target),
  }
}

/** An exchange of an access token. */
const ofToken =
  (claims: object = {}, fields: JsonObject = {}): Fields =>
  (world) => ({ subject_token: mayAct(world, claims), subject_token_type: ACCESS_TOKEN, ...fields })

/** An exchange of a chain from one holder to another with the given lifetime and epochs. */
const ofChain =
  (wish: Parameters<typeof handOn>[4]): Fields =>
  async ({ agents, keys }) => {
    const [first, last] = [holderOf(agents.active), holderOf(agents.committed)] as const
    const root = await rootFor(keys.grants, first, wish?.lifetime ? { lifetime: wish.lifetime } : {})
    return { subject_token: await handOn(keys.grants, root, first, last, wish) }
  }

const pay = (constraint: object, others: object = {}): JsonObject => ({
  authorization_details: detailsOf({ [`${SHOP}#pay`]: { amount: constraint, ...others } }),
})
const range = { constraint_type: 'range', max: 100 }

const forms: readonly RefusalCase[] = [
  exchange('no subject_token', 'INVALID_ARGUMENT', { subject_token: '' }),
  exchange('no subject_token_type', 'INVALID_ARGUMENT', { subject_token_type: '' }),
  exchange('a chain that is called an access token', 'INVALID_ARGUMENT', { subject_token_type: ACCESS_TOKEN }),
  exchange('an unknown type of subject token', 'INVALID_ARGUMENT', {
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
  }),
  exchange('a refresh token wanted', 'INVALID_ARGUMENT', {
    requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token',
  }),
  exchange('an actor_token without its type', 'INVALID_ARGUMENT', { actor_token: 'x' }),
  exchange('nothing wanted', 'INVALID_ARGUMENT', { scope: '' }),
  exchange('the parameter audience', 'INVALID_AUDIENCE', { audience: SHOP }),
  exchange('no resource', 'INVALID_AUDIENCE', { resource: [] }),
  ...BAD_DETAILS.filter(([, , text]) => text !== '').map(([name, reason, authorization_details]) =>
    exchange(name, reason, { authorization_details }),
  ),
]

const subjects: readonly RefusalCase[] = [
  exchange('a chain of another client', 'ACTOR_NOT_HOLDER', {}, 'active'),
  exchange('a chain of another operator', 'ACTOR_NOT_HOLDER', {}, 'ofBravo'),
  exchange('a chain without its root', 'INVALID_SUBJECT_TOKEN', async (world) => ({
    subject_token: (await chainOf(world)).replace(/^[^~]*/, 'a.b.c'),
  })),
  exchange('an expired chain', 'GRANT_EXPIRED', ofChain({ lifetime: [-900, -60] })),
  exchange('a chain from the future', 'GRANT_NOT_YET_VALID', ofChain({ lifetime: [60, 600] })),
  exchange('a chain with an earlier epoch', 'AGENT_TOKENS_ENDED', ofChain({ epoch: [99, 1] })),
  exchange('a chain with an earlier epoch of the operator', 'OPERATOR_TOKENS_ENDED', ofChain({ epoch: [1, 99] })),
  exchange('a revoked chain', 'TOKEN_REVOKED', async (world) => {
    const text = await chainOf(world)
    await endToken(world, world.operators.acme.id, lastId(text))
    return { subject_token: text }
  }),
  exchange('a chain under a key for tokens', 'UNKNOWN_KEY', async ({ agents, keys }) => ({
    subject_token: await chainThrough(keys.ready, [holderOf(agents.active), holderOf(agents.committed)]),
  })),
  exchange('a token after a record about an edge of its trust', 'TRUST_ENDED', async (world) => {
    const trust = newTrust()
    await endTrust(world.db.pool, 'edge', trust)
    await untilKnown(world)
    return { subject_token: mayAct(world, trust.claims), subject_token_type: ACCESS_TOKEN }
  }),
  exchange(
    'a token of an agent of another deployment',
    'INVALID_SUBJECT_TOKEN',
    ofToken({ ...newTrust().chained, may_act: undefined }),
  ),
  exchange('a token for another client', 'ACTOR_NOT_AUTHORIZED', ofToken(), 'active'),
  exchange('a token without may_act', 'ACTOR_NOT_AUTHORIZED', ofToken({ may_act: undefined })),
  exchange('a token that was exchanged', 'EXCHANGE_THE_CHAIN', ofToken({ act: { sub: 'x' } })),
  exchange('an expired token', 'TOKEN_EXPIRED', ofToken({ iat: now() - 900, nbf: now() - 900, exp: now() - 60 })),
  exchange('a token from the future', 'TOKEN_NOT_YET_VALID', ofToken({ nbf: now() + 600 })),
  exchange('details of an access token', 'UNSUPPORTED_AUTHORIZATION_DETAILS', ofToken({}, pay(range))),
  exchange('an actor_token of another agent', 'IMPERSONATION_REFUSED', ({ token }) => ({
    actor_token: token(),
    actor_token_type: ACCESS_TOKEN,
  })),
]

const limits: readonly RefusalCase[] = [
  exchange('a scope with constraints', 'SCOPE_NOT_ALLOWED', { scope: 'pay' }),
  exchange('a resource beyond the chain', 'AUDIENCE_NOT_ALLOWED', { resource: ['https://other.example'] }),
  exchange('a capability beyond the chain', 'CAPABILITY_ADDED', {
    authorization_details: detailsOf({ [`${SHOP}#refund`]: {} }),
  }),
  exchange('a wider constraint', 'CONSTRAINT_WIDENED', pay({ ...range, max: 501 })),
  exchange('one argument more', 'ARGUMENT_ADDED', pay(range, { to: { constraint_type: 'wildcard' } })),
  exchange('an argument that may be left out', 'CONSTRAINT_DROPPED', pay({ ...range, optional: true })),
]

const proofs: readonly RefusalCase[] = [
  {
    name: 'an exchange: no DPoP proof',
    reason: 'DPOP_PROOF_REQUIRED',
    method,
    request: (world) => exchangeRequest(world),
  },
  {
    ...exchange('a DPoP proof by another agent', 'INVALID_DPOP_PROOF', {}),
    proof: (world, target) => proofBy(world.agents.active, target),
  },
]

function root(name: string, reason: ReasonCode, fields: JsonObject, by: AgentName = 'active'): RefusalCase {
  const request = ({ agents }: World) => ({
    grant_type: 'client_credentials',
    authorization_details: DETAILS,
    req_cnf: JSON.stringify({ jwk: signerJwk(agents[by].pair) }),
    ...authenticated(agents[by]),
    ...fields,
  })
  return { name: `a root grant: ${name}`, reason, method, request }
}

const roots: readonly RefusalCase[] = [
  root('no details', 'INVALID_ARGUMENT', { authorization_details: '' }),
  root('a confirmation without a key', 'INVALID_ARGUMENT', { req_cnf: '{"jkt":"x"}' }),
  root('a scope', 'INVALID_ARGUMENT', { scope: 'read' }),
  root('an agent that gets no grants', 'DELEGATION_NOT_ALLOWED', {}, 'ofBravo'),
  root('an agent that must bind its terms', 'BINDING_REQUIRED', {}, 'careful'),
]

/** A grant of another deployment. */
function chained(name: string, reason: ReasonCode, fields: Fields): RefusalCase {
  const request = async (world: World) => {
    const own = typeof fields === 'function' ? await fields(world) : fields
    return { grant_type: JWT_BEARER, assertion: 'a.b.c', ...own }
  }
  return { name: `a chained grant: ${name}`, reason, method, request }
}

const proof: RefusalCase['proof'] = (world, target) => proofBy(world.agents.active, target)
const boundTo = (by: AgentName, edits?: object) => (world: World) =>
  grantAbroad(world, thumbprint(world.agents[by].pair.publicKey), edits)

const abroad: readonly RefusalCase[] = [
  chained('no assertion', 'INVALID_ARGUMENT', { assertion: '' }),
  chained('no DPoP proof', 'DPOP_PROOF_REQUIRED', {}),
  { ...chained('a text that is no grant', 'GRANT_NOT_ACCEPTED', {}), proof },
  {
    ...chained('an issuer with a NUL', 'GRANT_NOT_ACCEPTED', async (world) => ({
      assertion: await boundTo('active', { iss: 'https://auth.other.com\0' })(world),
    })),
    proof,
  },
  {
    ...chained('a DPoP proof by another key', 'CLIENT_MISMATCH', async (world) => ({
      assertion: await boundTo('committed')(world),
    })),
    proof,
  },
  {
    ...chained('another client_id', 'CLIENT_MISMATCH', async (world) => ({
      assertion: await boundTo('active')(world),
      client_id: world.agents.active.did,
    })),
    proof,
  },
  {
    ...chained('a log that cannot be followed', 'UNAVAILABLE', async (world) => ({
      assertion: await boundTo('active')(world),
    })),
    proof,
  },
  exchange('a grant for no other deployment', 'INVALID_AUDIENCE', {
    subject_token: 'x',
    subject_token_type: ACCESS_TOKEN,
    requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
  }),
]

/** Cases about exchanges of tokens, about grants of other deployments, and about first grants for OAuth clients. */
export const exchangeCases: readonly RefusalCase[] = [...forms, ...subjects, ...limits, ...proofs, ...roots, ...abroad]
