import type { JsonObject } from '@bufbuild/protobuf'
import { DelegationService } from '../../../gen/proto/auth4agent/v1/delegation_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { DETAILS, detailsOf } from '../../support/grant-details.ts'
import { sendHttp } from '../support/http.ts'
import type { RefusalCase } from '../support/refusal.ts'
import { restRequest } from '../support/rest-request.ts'
import type { AgentName } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import { NOT_DIDS } from './identity.ts'

const rpc = DelegationService.method

/** Authorization details with one mistake each. */
export const BAD_DETAILS: readonly (readonly [string, ReasonCode, string])[] = [
  ['no authorization details', 'MALFORMED_GRANT', ''],
  ['authorization details that are no JSON', 'MALFORMED_GRANT', '[{]'],
  ['authorization details with a member twice', 'MALFORMED_GRANT', DETAILS.replace('"type"', '"type":"x","type"')],
  ['two lists of authorization details', 'MALFORMED_GRANT', `${DETAILS},${DETAILS}`],
  ['a number with a fraction of zero', 'MALFORMED_GRANT', constrained('{"constraint_type":"range","max":1.0}')],
  [
    'an integer that a double cannot hold',
    'MALFORMED_GRANT',
    constrained('{"constraint_type":"range","max":9007199254740993}'),
  ],
  ['a capability that is only a scope', 'MALFORMED_GRANT', detailsOf({ read: {} })],
  ['a capability with a wildcard', 'MALFORMED_GRANT', detailsOf({ 'a.com#*': {} })],
  [
    '33 capabilities',
    'MALFORMED_GRANT',
    detailsOf(Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`a.com#${at}`, {}]))),
  ],
  ['5000 characters', 'MALFORMED_GRANT', DETAILS.padEnd(5000)],
  ['details of another type', 'UNKNOWN_DETAIL_TYPE', DETAILS.replace('attenuating_agent_token', 'payment_initiation')],
  ['a second entry', 'UNKNOWN_DETAIL_TYPE', `[${DETAILS.slice(1, -1)},${DETAILS.slice(1, -1)}]`],
  ['a constraint of an unknown type', 'UNKNOWN_CONSTRAINT', constrained('{"constraint_type":"regex","pattern":".*"}')],
  ['a constraint with an unknown member', 'MALFORMED_CONSTRAINT', constrained('{"constraint_type":"wildcard","x":1}')],
  ['an empty list of values', 'MALFORMED_CONSTRAINT', constrained('{"constraint_type":"one_of","values":[]}')],
  [
    'a range whose bounds are swapped',
    'MALFORMED_CONSTRAINT',
    constrained('{"constraint_type":"range","min":2,"max":1}'),
  ],
]

function constrained(constraint: string): string {
  return `[{"type":"attenuating_agent_token","tools":{"a.com#read":{"amount":${constraint}}}}]`
}

/** A request for a grant with one mistake. */
function redeemed(
  name: string,
  reason: ReasonCode,
  fields: JsonObject | ((world: World) => JsonObject),
  { agent = 'active', content = {} }: { agent?: AgentName; content?: Parameters<World['challenge']>[1] } = {},
): RefusalCase {
  return {
    name,
    reason,
    method: rpc.issueGrant,
    request: (world) => ({
      ...world.challenge(world.agents[agent], content),
      authorization_details: DETAILS,
      ...(typeof fields === 'function' ? fields(world) : fields),
    }),
  }
}

const requests: readonly RefusalCase[] = [
  ...Object.entries(NOT_DIDS).map(([name, did]) => redeemed(name, 'INVALID_DID', { did })),
  ...BAD_DETAILS.map(([name, reason, authorization_details]) => redeemed(name, reason, { authorization_details })),
  redeemed('a ttl above the bounds', 'INVALID_TTL', { ttl: '3601s' }),
  redeemed('a depth above the bounds', 'INVALID_ARGUMENT', { max_depth: 9 }),
  redeemed('a challenge under an unknown key', 'CHALLENGE_NOT_FOUND', {}, { content: { kid: 'AAAAAAAAAAAA' } }),
  redeemed('another agent’s challenge', 'CHALLENGE_NOT_FOUND', ({ agents }) => ({ did: agents.ofBravo.did })),
  {
    name: 'an agent that has been deleted since',
    reason: 'AGENT_NOT_FOUND',
    method: rpc.issueGrant,
    request: ({ challenge, agents: { active } }) => ({
      ...challenge({ did: active.did.replace(/.{32}$/, '0'.repeat(32)), pair: active.pair }),
      authorization_details: DETAILS,
    }),
  },
  redeemed('an expired challenge', 'CHALLENGE_EXPIRED', {}, { content: { exp: 1 } }),
  redeemed('no signature', 'INVALID_SIGNATURE', { signature: '' }),
  redeemed('a challenge for a token', 'BINDING_MISMATCH', {}, { content: { scope: 'read' } }),
  redeemed('a challenge for other details', 'BINDING_MISMATCH', {}, { content: { details: 'x' } }),
  redeemed('a challenge for another depth', 'BINDING_MISMATCH', { max_depth: 1 }, { content: { depth: 2 } }),
  redeemed('an unbound challenge of an agent that requires bound ones', 'BINDING_REQUIRED', {}, { agent: 'careful' }),
  redeemed(
    'a challenge that is bound only in part',
    'BINDING_REQUIRED',
    {},
    { agent: 'careful', content: { depth: 1, ttl: 60 } },
  ),
  redeemed('an agent that is suspended', 'AGENT_NOT_ACTIVE', {}, { agent: 'suspended' }),
  redeemed('an operator that is suspended', 'AGENT_OPERATOR_NOT_ACTIVE', {}, { agent: 'ofSuspended' }),
  redeemed('an agent that gets no grants', 'DELEGATION_NOT_ALLOWED', {}, { agent: 'ofBravo' }),
  redeemed('a depth beyond the limit of the agent', 'DELEGATION_NOT_ALLOWED', { max_depth: 4 }),
  redeemed('a scope beyond the allowed ones', 'SCOPE_NOT_ALLOWED', {
    authorization_details: detailsOf({ 'a.com#admin': {} }),
  }),
  redeemed('an audience of an operator that lists no callers', 'AUDIENCE_NOT_ALLOWED', {
    authorization_details: detailsOf({ 'a.com#read': {}, 'api.bravo-operator.com#read': {} }),
  }),
  redeemed('an agent whose enrolment rule is gone', 'ATTESTATION_REQUIRED', {}, { agent: 'orphaned' }),
  { ...redeemed('a DPoP proof', 'INVALID_DPOP_PROOF', {}), proof: () => 'a.b.c' },
  {
    name: 'a challenge that was redeemed before',
    reason: 'CHALLENGE_USED',
    method: rpc.issueGrant,
    request: async ({ agents, challenge, server }) => {
      const request = { ...challenge(agents.active), authorization_details: DETAILS }
      const { status } = await sendHttp(server.baseUrl, restRequest(rpc.issueGrant, request))
      if (status !== 200) throw new Error(`The first redemption was refused with ${status}`)
      return request
    },
  },
]

const stated = (name: string, reason: ReasonCode, didOf: (world: World) => string): RefusalCase => ({
  name,
  reason,
  method: rpc.getHolderStatement,
  request: (world) => ({ did: didOf(world) }),
})

const statements: readonly RefusalCase[] = [
  stated('a text that is no DID', 'INVALID_DID', () => 'agent'),
  stated('an unknown agent', 'AGENT_NOT_FOUND', ({ agents }) => agents.active.did.replace(/.{32}$/, '0'.repeat(32))),
  ...(['pending', 'suspended', 'revoked', 'moved'] as const).map((agent) =>
    stated(`an agent that is ${agent}`, 'AGENT_NOT_ACTIVE', ({ agents }) => agents[agent].did),
  ),
  stated('an agent whose enrolment rule is gone', 'ATTESTATION_REQUIRED', ({ agents }) => agents.orphaned.did),
  stated('an agent with an enrolment rule', 'ATTESTATION_REQUIRED', ({ agents }) => agents.enrolled.did),
  stated('an agent with a requirement on some scopes', 'ATTESTATION_REQUIRED', ({ agents }) => agents.active.did),
  stated('an agent of a suspended operator', 'AGENT_OPERATOR_NOT_ACTIVE', ({ agents }) => agents.ofSuspended.did),
]

/** Cases about the rules of DelegationService. */
export const grantCases: readonly RefusalCase[] = [...requests, ...statements]
