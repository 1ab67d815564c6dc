import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { DescMethod, JsonObject } from '@bufbuild/protobuf'
import { OperatorKeyService } from '../../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { methods, shortName } from '../support/contract.ts'
import { answeredInvitation } from '../support/key-requests.ts'
import { manifestOf, memberOf, rootOf } from '../support/manifests.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { OperatorName } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import { admitsOperators, roleOf, stopsWhileFrozen } from './callers.ts'
import { NOBODY, validRequests } from './valid-requests.ts'

const { setOperatorKeys, getOperatorKeys, submitKeyRequest } = OperatorKeyService.method

/** Returns a good request, but about another operator than acme. */
function requestOf(method: DescMethod, name: OperatorName) {
  return (world: World): JsonObject => {
    const request = validRequests[shortName(method)]?.(world) ?? {}
    const { id } = world.operators[name]
    const own = ['operator_id', 'id'].filter((field) => Object.hasOwn(request, field))
    return { ...request, ...Object.fromEntries(own.map((field) => [field, id])) }
  }
}

/** Cases about keys without the role of a call, for every call that needs a role. */
const roles: readonly RefusalCase[] = methods
  .filter((method) => roleOf(method) !== undefined)
  .map((method) => ({
    name: `a key without the role ${roleOf(method)}`,
    method,
    reason: 'ROLE_REQUIRED',
    // The guest has the role `trust`, and the clerk has not.
    caller: roleOf(method) === 'trust' ? 'clerk' : 'guest',
    request: requestOf(method, 'team'),
  }))

/** Cases about a frozen operator, for every change that it may not make. */
const frozen: readonly RefusalCase[] = methods.filter(stopsWhileFrozen).map((method) => ({
  name: 'a frozen operator as caller',
  method,
  reason: 'OPERATOR_FROZEN',
  caller: 'frozen',
  request: requestOf(method, 'frozen'),
}))

/** What the calls answer that reach their rules; without an entry, the call succeeds. */
const RULES: Readonly<Record<string, ReasonCode>> = {
  'OperatorRegistryService.GetAuditRecord': 'AUDIT_RECORD_NOT_FOUND',
  'OperatorKeyService.SetOperatorKeys': 'INVALID_MANIFEST',
  'IdentityService.SuspendAgent': 'AGENT_NOT_FOUND',
  'IdentityService.RevokeAgent': 'AGENT_NOT_FOUND',
  'AgentMoveService.ObjectToMove': 'AGENT_NOT_FOUND',
  'AttestationService.ListAttestationResults': 'AGENT_NOT_FOUND',
  'AttestationService.RemoveAttestationResults': 'AGENT_NOT_FOUND',
  'AttestationPolicyService.DeleteAttestor': 'ATTESTOR_NOT_FOUND',
  'AttestationPolicyService.ListJoinTokens': 'ATTESTOR_NOT_FOUND',
  'AttestationPolicyService.DryRunRules': 'INVALID_RULE',
  'AttestationPolicyService.DeleteEnrolmentRule': 'RULE_NOT_FOUND',
  'PeopleService.RemoveIdentityProvider': 'PROVIDER_NOT_FOUND',
  'PeopleService.WithdrawConsent': 'CONSENT_NOT_FOUND',
  'PeopleService.EndConnection': 'CONNECTION_NOT_FOUND',
  'PeopleService.DisableUser': 'USER_NOT_FOUND',
  'PeopleService.RemoveUser': 'USER_NOT_FOUND',
  'TrustService.RevokeTrustStatement': 'STATEMENT_NOT_FOUND',
  'TrustService.ListPublishedTrust': 'PERMISSION_DENIED',
  'TrustService.ListAdmissions': 'PERMISSION_DENIED',
  'SignalService.ReadStreams': 'STREAM_NOT_FOUND',
  'SignalService.GetStreamStatus': 'STREAM_NOT_FOUND',
  'SignalService.PollEvents': 'STREAM_NOT_FOUND',
  // The question is about two other operators.
  'TrustService.ExplainTrust': 'PERMISSION_DENIED',
}

/** All other calls of an operator, as a frozen operator makes them about objects of acme, and what they answer. */
export const allowedWhileFrozen = methods
  .filter((method) => admitsOperators(method) && !stopsWhileFrozen(method) && method.methodKind === 'unary')
  .map((method) => ({
    name: shortName(method),
    reason: RULES[shortName(method)],
    asked: { method, caller: 'frozen', request: requestOf(method, 'frozen') } as const,
  }))

/** Cases about the approvals of other root keys, for every root operation. */
const approvals: readonly RefusalCase[] = methods
  .filter((method) => roleOf(method) === 'root')
  .flatMap((method) => {
    const given = { method, caller: 'team', coversBody: true, request: requestOf(method, 'team') } as const
    const invalid = (name: string, approval: string): RefusalCase => ({
      ...given,
      name,
      reason: 'INVALID_APPROVAL',
      headers: { 'auth4agent-approval': approval },
    })
    return [
      { ...given, name: 'one of two root keys', reason: 'APPROVALS_REQUIRED' } as const,
      {
        ...given,
        coversBody: false,
        name: 'an assertion without a digest, by an operator with a threshold of two',
        reason: 'BODY_DIGEST_REQUIRED',
      } as const,
      invalid('an approval that is no JWS', 'nonsense'),
      invalid('an approval of 5 KB', 'a'.repeat(5_000)),
      invalid('nine approvals', Array<string>(9).fill('a.b.c').join(',')),
      invalid('an empty approval', ','),
    ]
  })

/** Manifests of acme with one mistake, by name. */
const BAD_MANIFESTS: Readonly<Record<string, (world: World) => string>> = {
  'the manifest of another operator': ({ operators }) => manifestOf(operators.bravo),
  "another operator's id in a manifest": ({ operators: { acme, bravo } }) => manifestOf({ ...acme, iss: bravo.id }),
  'a manifest for another server': ({ operators }) => manifestOf(operators.acme, { aud: 'https://rogue.com' }),
  'a manifest by a foreign key': ({ operators }) => manifestOf({ ...operators.acme, pair: generateKeyPair() }),
  "a foreign signature under acme's kid": ({ operators: { acme } }) => {
    const good = manifestOf(acme).split('.')
    return [...good.slice(0, 2), manifestOf(acme, { seq: 2 }).split('.')[2]].join('.')
  },
  'an assertion as manifest': ({ operators }) => manifestOf(operators.acme, {}, { typ: 'auth4agent-operator+jwt' }),
  'a threshold above the number of root keys': ({ operators: { acme } }) =>
    manifestOf(acme, { root: { threshold: 2, keys: [rootOf(acme.pair)] } }),
  'a manifest without root keys': ({ operators }) => manifestOf(operators.acme, { root: { threshold: 1, keys: [] } }),
  'a label with an escape sequence': ({ operators: { acme } }) =>
    manifestOf(acme, { keys: [{ ...memberOf(generateKeyPair()), label: '\u001b[2J' }] }),
  'a label that writes from right to left': ({ operators: { acme } }) =>
    manifestOf(acme, { keys: [{ ...memberOf(generateKeyPair()), label: 'a\u202eb' }] }),
  'a root key as operational key': ({ operators: { acme } }) => manifestOf(acme, { keys: [memberOf(acme.pair)] }),
  'an unknown role': ({ operators: { acme } }) =>
    manifestOf(acme, { keys: [{ ...memberOf(generateKeyPair()), roles: ['root'] }] }),
  'an unknown member': ({ operators }) => manifestOf(operators.acme, { note: 'x' }),
  '33 operational keys': ({ operators: { acme } }) =>
    manifestOf(acme, { keys: Array<object>(33).fill(memberOf(acme.pair)) }),
  'a manifest from the future': ({ operators }) =>
    manifestOf(operators.acme, { iat: Math.floor(Date.now() / 1000) + 3_600 }),
  'a manifest that is nested deeper than 16 levels': ({ operators }) =>
    manifestOf(operators.acme, { keys: JSON.parse(`${'['.repeat(20)}${']'.repeat(20)}`) }),
}

const manifests: readonly RefusalCase[] = Object.entries(BAD_MANIFESTS).map(([name, manifest]) => ({
  name,
  method: setOperatorKeys,
  reason: 'INVALID_MANIFEST',
  caller: 'acme',
  request: (world) => ({ id: world.operators.acme.id, manifest: manifest(world) }),
}))

const conflicts: readonly RefusalCase[] = [2, 1_000].map((seq) => ({
  name: `the manifest number ${seq} as the first one`,
  method: setOperatorKeys,
  reason: 'MANIFEST_CONFLICT',
  caller: 'acme',
  request: ({ operators: { acme } }) => ({ id: acme.id, manifest: manifestOf(acme, { seq }) }),
}))

/** Cases about changes of the root keys. */
const roots: readonly RefusalCase[] = [
  {
    name: 'new root keys that DNS does not name',
    method: setOperatorKeys,
    reason: 'ROOT_RECORD_MISMATCH',
    caller: 'acme',
    request: ({ operators: { acme } }) => ({
      id: acme.id,
      manifest: manifestOf(acme, { root: { threshold: 1, keys: [rootOf(generateKeyPair())] } }),
    }),
  },
  {
    name: 'the same root keys, while the operator is frozen',
    method: setOperatorKeys,
    reason: 'ROOT_RECORD_MISMATCH',
    caller: 'frozen',
    request: ({ operators: { frozen } }) => ({ id: frozen.id, manifest: manifestOf(frozen) }),
  },
  {
    name: 'new root keys while DNS has two records of this server',
    method: setOperatorKeys,
    reason: 'DOMAIN_CONTESTED',
    caller: 'bravo',
    request: ({ dns, issuer, operators: { acme, bravo } }) => {
      const record = (id: string) => `v=a4a1; iss=${issuer}; op=${id}; rk=${'A'.repeat(43)}`
      dns.setTxt(`_auth4agents.${bravo.domain}`, [record(bravo.id), record(acme.id)])
      const keys = [rootOf(bravo.pair), rootOf(generateKeyPair())]
      return { id: bravo.id, manifest: manifestOf(bravo, { root: { threshold: 1, keys } }) }
    },
  },
  {
    name: 'a suspended operator as caller',
    method: setOperatorKeys,
    reason: 'OPERATOR_SUSPENDED',
    caller: 'suspended',
    request: ({ operators: { suspended } }) => ({ id: suspended.id, manifest: manifestOf(suspended) }),
  },
]

const reads: readonly RefusalCase[] = [
  {
    name: 'the keys of the team, as acme',
    method: getOperatorKeys,
    reason: 'PERMISSION_DENIED',
    caller: 'acme',
    request: ({ operators: { team } }) => ({ id: team.id }),
  },
]

/** Cases about the rules of OperatorKeyService, and about the keys of operators in all other calls. */
const NOW_S = Math.floor(Date.now() / 1000)

/** Cases about invitations and the requests that answer them. */
const keyRequests: readonly RefusalCase[] = [
  ...Object.entries({
    'for another server': { aud: 'https://other.example' },
    'that has expired': { iat: NOW_S - 100, exp: NOW_S - 1 },
    'that lasts longer than an hour': { exp: NOW_S + 7_200 },
    'of the future': { iat: NOW_S + 1_000, exp: NOW_S + 1_600 },
    'without a jti': { jti: undefined },
    'without roles': { roles: [] },
    'with an unknown role': { roles: ['root'] },
    'with an invisible label': { label: '\u200b' },
    'with an unknown claim': { root: true },
  }).map(([name, invitation]) => keyRequest(`an invitation ${name}`, 'INVALID_INVITATION', { invitation })),
  keyRequest('an invitation of an unknown operator', 'INVALID_INVITATION', {
    invitation: { iss: NOBODY, sub: NOBODY },
    request: { iss: NOBODY, sub: NOBODY },
  }),
  keyRequest('an invitation of another type', 'INVALID_INVITATION', { header: { typ: 'auth4agent-operator+jwt' } }),
  {
    ...keyRequest('an invitation by another operator', 'INVALID_INVITATION', {}),
    request: ({ operators: { acme, bravo } }) => answeredInvitation(acme, { signer: bravo }),
  },
  ...Object.entries({
    'for another label': { label: 'phone' },
    'for more roles': { roles: ['people', 'approvals'] },
    'for another person': { person: 'Bob' },
    'for a root key': { root: true, roles: [] },
    'that answers another invitation': { nonce: 'other' },
    'that answers no invitation': { nonce: undefined },
    'of a key that is no passkey': { webauthn: undefined },
    'for another server': { aud: 'https://other.example' },
    'for another host': { webauthn: { rp_id: 'other.example', credential_id: 'AQID' } },
  }).map(([name, request]) => keyRequest(`a request ${name}`, 'INVALID_KEY_REQUEST', { request })),
  ...Object.entries({
    'of another origin': { client: { origin: 'https://evil.example' } },
    'without user verification': { flags: 0x01 },
    'over other bytes': { signed: new Uint8Array(69) },
  }).map(([name, proof]) => keyRequest(`a proof ${name}`, 'INVALID_KEY_REQUEST', { proof })),
]

function keyRequest(name: string, reason: ReasonCode, edits: Parameters<typeof answeredInvitation>[1]): RefusalCase {
  const request: RefusalCase['request'] = ({ operators: { acme } }) => answeredInvitation(acme, edits)
  return { name, method: submitKeyRequest, reason, request }
}

export const operatorKeyCases: readonly RefusalCase[] = [
  ...roles,
  ...frozen,
  ...approvals,
  ...manifests,
  ...conflicts,
  ...roots,
  ...reads,
  ...keyRequests,
]
