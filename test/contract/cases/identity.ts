import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { AgentName, OperatorName } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import { NOBODY } from './valid-requests.ts'

const rpc = IdentityService.method
const fresh = generateKeyPair()
const KEY = encodeBase64(fresh.publicKey)
const FRESH_DID = formatDid('acme-operator.com', fingerprint(fresh.publicKey))
const UNKNOWN_DID = formatDid('acme-operator.com', '0'.repeat(32))

/** Texts that are not a DID of this method in its canonical form. */
export const NOT_DIDS: Readonly<Record<string, string>> = {
  'a text that is not a DID': 'acme',
  'a DID of another method': 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK',
  'a DID in upper case': `did:agent:ACME-OPERATOR.COM:${'0'.repeat(32)}`,
  'a fingerprint of 31 characters': `did:agent:acme-operator.com:${'0'.repeat(31)}`,
  'a fingerprint of 33 characters': `did:agent:acme-operator.com:${'0'.repeat(33)}`,
  'a fingerprint in upper case': `did:agent:acme-operator.com:${'A'.repeat(32)}`,
  'a DID URL': `did:agent:acme-operator.com:${'0'.repeat(32)}#key`,
  'a DID with a trailing dot': `did:agent:acme-operator.com.:${'0'.repeat(32)}`,
  'a DID with a port': `did:agent:acme-operator.com:80:${'0'.repeat(32)}`,
  'a DID after a blank': ` did:agent:acme-operator.com:${'0'.repeat(32)}`,
  'a DID before a line end': `did:agent:acme-operator.com:${'0'.repeat(32)}\n`,
  'a DID with a single label': `did:agent:acme:${'0'.repeat(32)}`,
  'a DID with a domain that is too long': `did:agent:${'a.'.repeat(130)}com:${'0'.repeat(32)}`,
}

interface Registration {
  readonly operator?: OperatorName | { readonly id: string }
  readonly caller?: OperatorName
  readonly fields?: Readonly<Record<string, string>> | ((world: World) => Readonly<Record<string, string>>)
}

function register(name: string, reason: ReasonCode, { operator = 'acme', caller, fields = {} }: Registration = {}) {
  const made: RefusalCase = {
    name,
    reason,
    caller,
    audited: caller !== undefined,
    method: rpc.registerAgent,
    request: (world) => ({
      operator_id: typeof operator === 'string' ? world.operators[operator].id : operator.id,
      agent_public_key: KEY,
      ...(typeof fields === 'function' ? fields(world) : fields),
    }),
  }
  return made
}

const notActive = (['pending', 'lapsed', 'suspended', 'superseded', 'released'] as const).map((operator) =>
  register(`an operator that is ${operator}`, 'OPERATOR_NOT_ACTIVE', { operator }),
)

const registrations: readonly RefusalCase[] = [
  ...notActive,
  register('a lapsed operator as caller', 'OPERATOR_NOT_ACTIVE', { operator: 'lapsed', caller: 'lapsed' }),
  register('an unknown operator', 'OPERATOR_NOT_FOUND', { operator: { id: NOBODY } }),
  register('an operator id that is not a UUID', 'OPERATOR_NOT_FOUND', { operator: { id: 'acme' } }),
  ...Object.entries(NOT_DIDS).map(([name, did]) => register(name, 'INVALID_DID', { fields: { did } })),
  register('a key of 31 bytes', 'INVALID_PUBLIC_KEY', {
    fields: { agent_public_key: encodeBase64(new Uint8Array(31)) },
  }),
  register('no key', 'INVALID_PUBLIC_KEY', { fields: { agent_public_key: '' } }),
  register('a key of small order', 'INVALID_PUBLIC_KEY', {
    fields: { agent_public_key: encodeBase64(Uint8Array.of(1, ...new Uint8Array(31))) },
  }),
  register('a DID of another key', 'DID_MISMATCH', { fields: { did: UNKNOWN_DID } }),
  register('a DID under another domain', 'DID_MISMATCH', {
    fields: { did: FRESH_DID.replace('acme-operator.com', 'bravo-operator.com') },
  }),
  ...(['active', 'suspended', 'revoked'] as const).map((agent) =>
    register(`a key whose agent is ${agent}`, 'AGENT_EXISTS', { fields: (world) => keyOf(world, agent) }),
  ),
  register('a key whose agent is pending, by the operator', 'AGENT_EXISTS', {
    caller: 'acme',
    fields: (world) => keyOf(world, 'pending'),
  }),
]

const keyOf = ({ agents }: World, agent: AgentName) => ({
  agent_public_key: encodeBase64(agents[agent].pair.publicKey),
})

const documents = [
  { id: UNKNOWN_DID },
  { id: 1 },
  { verificationMethod: 'z6Mk' },
  { verificationMethod: ['z6Mk'] },
  { verificationMethod: [{ publicKeyMultibase: 'zzz' }] },
  { verificationMethod: [{ publicKeyMultibase: 7 }] },
  { verificationMethod: [{ publicKeyMultibase: encodeBase64(generateKeyPair().publicKey) }] },
].map(
  (document): RefusalCase => ({
    name: `the document ${JSON.stringify(document)}`,
    method: rpc.registerAgent,
    reason: 'INVALID_ARGUMENT',
    request: ({ operators }) => ({
      operator_id: operators.acme.id,
      agent_public_key: KEY,
      did_document: document,
    }),
  }),
)

const lookups: readonly RefusalCase[] = [
  ...Object.entries(NOT_DIDS).map(
    ([name, did]): RefusalCase => ({ name, method: rpc.getAgent, reason: 'INVALID_DID', request: () => ({ did }) }),
  ),
  ...['acme-operator.com', 'nobody-operator.com', 'released-operator.com'].map(
    (domain): RefusalCase => ({
      name: `an unknown agent under ${domain}`,
      method: rpc.getAgent,
      reason: 'AGENT_NOT_FOUND',
      request: () => ({ did: formatDid(domain, '0'.repeat(32)) }),
    }),
  ),
]

const pages = ['x', '!', NOBODY].map(
  (token): RefusalCase => ({
    name: `page token ${token}`,
    method: rpc.listAgents,
    reason: 'INVALID_PAGE_TOKEN',
    caller: 'acme',
    request: ({ operators }) => ({ operator_id: operators.acme.id, page_token: token }),
  }),
)

/** The calls that change one agent, with the field that names it. */
const GOVERNING = {
  approveAgent: 'agent',
  setAgentScopes: 'did',
  updateAgent: 'agent',
  suspendAgent: 'agent',
  reactivateAgent: 'agent',
  revokeAgent: 'agent',
} as const

type Verb = keyof typeof GOVERNING
const verbs = Object.keys(GOVERNING) as Verb[]

function govern(verb: Verb, name: string, reason: ReasonCode, agent: (world: World) => string, more = {}): RefusalCase {
  return {
    name,
    reason,
    method: rpc[verb],
    caller: 'acme',
    request: (world) => ({ operator_id: world.operators.acme.id, [GOVERNING[verb]]: agent(world), ...more }),
  }
}

const strangers = verbs.flatMap((verb) => [
  govern(verb, 'an unknown id', 'AGENT_NOT_FOUND', () => NOBODY),
  govern(verb, 'an unknown DID', 'AGENT_NOT_FOUND', () => UNKNOWN_DID),
  govern(verb, 'a text that is neither id nor DID', 'AGENT_NOT_FOUND', () => 'constructor'),
  govern(verb, 'a name that the audit cuts inside a surrogate pair', 'AGENT_NOT_FOUND', () => `${'a'.repeat(511)}😀`),
  govern(verb, 'another operator’s agent by id', 'AGENT_NOT_FOUND', ({ agents }) => agents.ofBravo.id),
  govern(verb, 'another operator’s agent by DID', 'AGENT_NOT_FOUND', ({ agents }) => agents.ofBravo.did),
])

const TRANSITIONS: readonly (readonly [Verb, AgentName, ReasonCode])[] = [
  ['approveAgent', 'suspended', 'AGENT_NOT_PENDING'],
  ['approveAgent', 'revoked', 'AGENT_REVOKED'],
  ['setAgentScopes', 'revoked', 'AGENT_REVOKED'],
  ['suspendAgent', 'pending', 'AGENT_PENDING'],
  ['suspendAgent', 'revoked', 'AGENT_REVOKED'],
  ['reactivateAgent', 'pending', 'AGENT_PENDING'],
  ['reactivateAgent', 'active', 'AGENT_NOT_SUSPENDED'],
  ['reactivateAgent', 'revoked', 'AGENT_REVOKED'],
]

const transitions = TRANSITIONS.flatMap(([verb, agent, reason]) => [
  govern(verb, `an agent that is ${agent}, by id`, reason, ({ agents }) => agents[agent].id),
  govern(verb, `an agent that is ${agent}, by DID`, reason, ({ agents }) => agents[agent].did),
])

/** Texts that are not scope-tokens of RFC 6749, or that this server does not grant. */
export const NOT_SCOPES: Readonly<Record<string, string>> = {
  'an empty scope': '',
  'a wildcard': '*',
  'a scope with a wildcard': 'read:*',
  'a scope with a quote': 'a"b',
  'a scope with a backslash': 'a\\b',
  'a scope with a tab': 'a\tb',
  'a scope that is not ASCII': 'läsen',
  'a scope of 129 characters': 'a'.repeat(129),
}

const scopes = [
  ...Object.entries({ ...NOT_SCOPES, 'a scope with a blank': 'read write' }).map(
    ([name, scope]) => [name, ['read', scope]] as const,
  ),
  ['65 scopes', Array.from({ length: 65 }, (_, index) => `scope-${index}`)] as const,
].map(([name, list]) =>
  govern('setAgentScopes', name, 'INVALID_SCOPE', ({ agents }) => agents.active.did, { allowed_scopes: list }),
)

/** Cases about the rules of IdentityService. */
export const identityCases: readonly RefusalCase[] = [
  ...registrations,
  ...documents,
  ...lookups,
  ...pages,
  ...strangers,
  ...transitions,
  ...scopes,
]
