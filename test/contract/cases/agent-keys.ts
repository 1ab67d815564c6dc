import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { ed25519Jwk } from '@auth4agent/core/key-events/sign-key-event'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { DescMethod, JsonObject } from '@bufbuild/protobuf'
import { AgentKeyService } from '../../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import {
  addition,
  type EventEdits,
  eventOf,
  inceptionOf,
  type LogParty,
  objectionTo,
  recovery,
  rotation,
} from '../support/key-events.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { AgentName, SeededAgent } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import { NOT_DIDS } from './identity.ts'

const { appendKeyEvent, listKeyEvents, recoverAgent, objectToRecovery } = AgentKeyService.method
const { resolveDid, registerAgent } = IdentityService.method
const foreign = generateKeyPair()
const UNKNOWN_DID = `did:agent:acme-operator.com:${'0'.repeat(32)}`
const now = () => Math.floor(Date.now() / 1000)

type Make = (agent: SeededAgent, world: World) => string

function append(name: string, reason: ReasonCode, agent: AgentName, make: Make): RefusalCase {
  return {
    name,
    method: appendKeyEvent,
    reason,
    request: (world) => ({ did: world.agents[agent].did, event: make(world.agents[agent], world) }),
  }
}

/** Mistakes in the form or the signature of any event. */
const MISTAKES: Readonly<Record<string, EventEdits>> = {
  'another key': { signer: foreign },
  'another key under the kid of the agent': { header: { kid: 'x'.repeat(43) } },
  'alg none': { header: { alg: 'none' } },
  'alg ES256': { header: { alg: 'ES256' } },
  'the typ of a client assertion': { header: { typ: 'client-authentication+jwt' } },
  'the typ of a proof': { header: { typ: 'auth4agent-key-proof+jwt' } },
  'no kid': { header: { kid: undefined } },
  'its own key in the header': { header: { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'x' } } },
  'an unknown claim': { claims: { note: 'x' } },
  'a claim named constructor': { claims: { constructor: 'x' } },
  'no iat': { claims: { iat: undefined } },
  'an iat with a fraction': { claims: { iat: now() + 0.5 } },
  'an iat of a year ago': { claims: { iat: now() - 31_536_000 } },
  'an iat of tomorrow': { claims: { iat: now() + 86_400 } },
  'a seq that is a text': { claims: { seq: '1' } },
  'no prev': { claims: { prev: undefined } },
  'an unknown type': { claims: { type: 'split' } },
  'the DID of another agent': { claims: { did: UNKNOWN_DID } },
}

const PLACES: Readonly<Record<string, object>> = {
  'a seq that is taken': { seq: 0 },
  'a seq beyond the next one': { seq: 2 },
  'a prev that is not the last event': { prev: 'A'.repeat(43) },
}

/** A rotation without the proof of the new key, or with a wrong one. */
const unproven =
  (proof: (agent: LogParty) => string | undefined): Make =>
  (agent) =>
    eventOf(agent, { type: 'rotate', key: ed25519Jwk(foreign.publicKey), proof: proof(agent) })

const proofIn = (event: string) => {
  const [, payload = ''] = event.split('.')
  return String((JSON.parse(Buffer.from(payload, 'base64url').toString()) as { proof?: unknown }).proof)
}

const forms: readonly RefusalCase[] = [
  ...Object.entries(MISTAKES).map(([name, edits]) =>
    append(`a rotation with ${name}`, 'INVALID_KEY_EVENT', 'active', (agent) => rotation(agent, undefined, edits)),
  ),
  ...Object.entries(PLACES).map(([name, claims]) =>
    append(`a rotation with ${name}`, 'KEY_EVENT_CONFLICT', 'active', (agent) =>
      rotation(agent, undefined, { claims }),
    ),
  ),
  append(
    'a rotation without a proof',
    'INVALID_KEY_EVENT',
    'active',
    unproven(() => undefined),
  ),
  append(
    'a rotation with a proof by another key',
    'INVALID_KEY_EVENT',
    'active',
    unproven((agent) => proofIn(rotation(agent))),
  ),
  append(
    'a rotation with a proof for another place',
    'INVALID_KEY_EVENT',
    'active',
    unproven((agent) => proofIn(rotation({ ...agent, end: { ...agent.end, seq: 7 } }, foreign))),
  ),
  append('a rotation with a commitment that its proof does not have', 'INVALID_KEY_EVENT', 'active', (agent) =>
    rotation(agent, undefined, { claims: { next: thumbprint(foreign.publicKey) } }),
  ),
  append('a recovery', 'INVALID_KEY_EVENT', 'committed', (agent) => recovery(agent)),
  append('an inception', 'INVALID_KEY_EVENT', 'active', (agent) => inceptionOf(agent)),
  append('an event of another agent', 'INVALID_KEY_EVENT', 'active', (_, { agents }) => rotation(agents.ofBravo)),
  append('an objection', 'INVALID_KEY_EVENT', 'active', (agent) => objectionTo(agent, agent.end.head)),
]

const rules: readonly RefusalCase[] = [
  append('a pending agent', 'AGENT_PENDING', 'pending', (agent) => rotation(agent)),
  append('a suspended agent that adds a key', 'AGENT_NOT_ACTIVE', 'suspended', (agent) => addition(agent)),
  append('a revoked agent', 'AGENT_REVOKED', 'revoked', (agent) => rotation(agent)),
  append('an agent that has moved', 'AGENT_MOVED', 'moved', (agent) => rotation(agent)),
  append('another key than the committed one', 'KEY_NOT_COMMITTED', 'committed', (agent) => rotation(agent)),
  append('a rotation to the current key', 'KEY_REUSED', 'active', (agent) => rotation(agent, agent.pair)),
  append('the identity key as added key', 'KEY_REUSED', 'active', (agent) => addition(agent, agent.pair)),
  append('the committed key as added key', 'KEY_REUSED', 'committed', (agent) => addition(agent, agent.next)),
  append('a full log', 'KEY_EVENT_LIMIT', 'full', (agent) => rotation(agent, agent.next)),
  append('a fifth added key', 'ADDED_KEY_LIMIT', 'crowded', (agent) => addition(agent)),
  append('the removal of a key that was not added', 'ADDED_KEY_NOT_FOUND', 'active', (agent) =>
    eventOf(agent, { type: 'remove-key', kid: thumbprint(foreign.publicKey) }),
  ),
]

function recover(name: string, reason: ReasonCode, agent: AgentName, make: Make): RefusalCase {
  return {
    name,
    method: recoverAgent,
    reason,
    caller: 'acme',
    request: (world) => {
      const named = world.agents[agent]
      return { operator_id: world.operators.acme.id, agent: named.id, event: make(named, world) }
    },
  }
}

const recoveries: readonly RefusalCase[] = [
  recover('a rotation', 'INVALID_KEY_EVENT', 'committed', (agent) => rotation(agent, agent.next)),
  recover('an old recovery', 'INVALID_KEY_EVENT', 'committed', (agent) =>
    recovery(agent, { claims: { iat: now() - 600 } }),
  ),
  recover('a recovery that the current key has signed', 'INVALID_KEY_EVENT', 'committed', (agent) =>
    recovery(agent, { signer: agent.pair, claims: { key: ed25519Jwk(agent.next.publicKey) } }),
  ),
  recover('a recovery of another place', 'KEY_EVENT_CONFLICT', 'committed', (agent) =>
    recovery(agent, { claims: { seq: 2 } }),
  ),
  recover('a recovery of another agent', 'KEY_EVENT_CONFLICT', 'committed', (_, { agents }) =>
    recovery(agents.recovering),
  ),
  recover('a recovery by a key without commitment', 'KEY_NOT_COMMITTED', 'committed', (agent) =>
    recovery(agent, { signer: foreign }),
  ),
  recover('an agent that has committed to no key', 'KEY_NOT_COMMITTED', 'active', (agent) => recovery(agent)),
  recover('a recovery that commits to the current key', 'KEY_REUSED', 'committed', (agent) =>
    recovery(agent, { claims: { next: thumbprint(agent.pair.publicKey) } }),
  ),
  recover('a full log', 'KEY_EVENT_LIMIT', 'full', (agent) => recovery(agent)),
  recover('a second recovery', 'RECOVERY_PENDING', 'recovering', (agent) =>
    recovery(agent, { claims: { next: thumbprint(foreign.publicKey) } }),
  ),
  recover('a pending agent', 'AGENT_PENDING', 'pending', (agent) => recovery(agent)),
  recover('a revoked agent', 'AGENT_REVOKED', 'revoked', (agent) => recovery(agent)),
  recover('an agent that has moved', 'AGENT_MOVED', 'moved', (agent) => recovery(agent)),
  recover('another operator’s agent', 'AGENT_NOT_FOUND', 'ofBravo', (agent) => recovery(agent)),
]

function object(name: string, reason: ReasonCode, agent: AgentName, make: Make): RefusalCase {
  return {
    name,
    method: objectToRecovery,
    reason,
    request: (world) => ({ did: world.agents[agent].did, objection: make(world.agents[agent], world) }),
  }
}

/** Mistakes in an objection to the recovery that waits. */
const OBJECTIONS: Readonly<Record<string, (agent: SeededAgent) => EventEdits>> = {
  'another key': () => ({ signer: foreign }),
  'the committed key': ({ next }) => ({ signer: next }),
  'the typ of an event': () => ({ header: { typ: 'auth4agent-key-event+jwt' } }),
  'the DID of another agent': () => ({ claims: { did: UNKNOWN_DID } }),
  'an unknown claim': () => ({ claims: { reason: 'x' } }),
  'no iat': () => ({ claims: { iat: undefined } }),
  'an iat of an hour ago': () => ({ claims: { iat: now() - 3600 } }),
  'a digest in hex': () => ({ claims: { event: 'a'.repeat(64) } }),
}

const objections: readonly RefusalCase[] = [
  ...Object.entries(OBJECTIONS).map(([name, edits]) =>
    object(`an objection with ${name}`, 'INVALID_STATEMENT', 'recovering', (agent) =>
      objectionTo(agent, agent.waiting, edits(agent)),
    ),
  ),
  object('an objection to another event', 'NOTHING_PENDING', 'recovering', (agent) =>
    objectionTo(agent, agent.end.head),
  ),
  ...(['active', 'pending', 'suspended', 'revoked', 'committed'] as const).map((name) =>
    object(`an agent without a recovery, ${name}`, 'NOTHING_PENDING', name, (agent) =>
      objectionTo(agent, agent.end.head),
    ),
  ),
]

/** Texts that are no DID or name no agent, with the reason of the refusal. */
const DIDS: readonly (readonly [name: string, did: string, reason: ReasonCode])[] = [
  ...Object.entries(NOT_DIDS).map(([name, did]) => [name, did, 'INVALID_DID'] as const),
  ['an unknown agent', UNKNOWN_DID, 'AGENT_NOT_FOUND'],
  ['an unknown domain', `did:agent:nobody-operator.com:${'0'.repeat(32)}`, 'AGENT_NOT_FOUND'],
]

/** The calls that name an agent by its DID, with the other fields of a good request about this DID. */
const BY_DID: readonly (readonly [method: DescMethod, fields: (party: SeededAgent) => JsonObject])[] = [
  [listKeyEvents, () => ({})],
  [resolveDid, () => ({})],
  [appendKeyEvent, (party) => ({ event: rotation(party) })],
  [objectToRecovery, (party) => ({ objection: objectionTo(party, party.waiting) })],
]

const lookups = BY_DID.flatMap(([method, fieldsOf]) =>
  DIDS.map(
    ([name, did, reason]): RefusalCase => ({
      name,
      method,
      reason,
      request: ({ agents: { recovering } }) => Object.assign(fieldsOf({ ...recovering, did }), { did }),
    }),
  ),
)

const pages = ['x', '!', 'LTE', 'MS41'].map(
  (token): RefusalCase => ({
    name: `page token ${token}`,
    method: listKeyEvents,
    reason: 'INVALID_PAGE_TOKEN',
    request: ({ agents }) => ({ did: agents.active.did, page_token: token }),
  }),
)

const registrations: readonly RefusalCase[] = [
  {
    name: 'an inception of another key',
    method: registerAgent,
    reason: 'INVALID_KEY_EVENT',
    request: ({ operators: { acme }, agents: { active } }) => ({
      operator_id: acme.id,
      agent_public_key: encodeBase64(foreign.publicKey),
      inception: inceptionOf(active),
    }),
  },
  {
    name: 'another inception of a pending agent',
    method: registerAgent,
    reason: 'KEY_EVENT_CONFLICT',
    request: ({ operators: { acme }, agents: { pending } }) => ({
      operator_id: acme.id,
      agent_public_key: encodeBase64(pending.pair.publicKey),
      inception: inceptionOf({ ...pending, next: foreign }),
    }),
  },
]

/** Cases about the rules of AgentKeyService, and about key events in other calls. */
export const agentKeyCases: readonly RefusalCase[] = [
  ...forms,
  ...rules,
  ...recoveries,
  ...objections,
  ...lookups,
  ...pages,
  ...registrations,
]
