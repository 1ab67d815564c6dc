import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { JsonObject } from '@bufbuild/protobuf'
import { AgentMoveService } from '../../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { OTHER_ISSUER, type ReleaseEdits, releaseOf } from '../support/agent-moves.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { AgentName } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import { NOT_DIDS } from './identity.ts'
import { NOBODY } from './valid-requests.ts'

const { releaseAgent, objectToMove, admitAgent, exportAgent } = AgentMoveService.method
const foreign = generateKeyPair()
const now = () => Math.floor(Date.now() / 1000)
const UNKNOWN_DID = `did:agent:acme-operator.com:${'0'.repeat(32)}`

/** A release by acme of one of its agents. `bravo-operator.com` is the domain to which the agent `moving` goes. */
function release(
  name: string,
  reason: ReasonCode,
  agent: AgentName,
  edits: (world: World) => ReleaseEdits = () => ({}),
  domain = 'bravo-operator.com',
): RefusalCase {
  return {
    name,
    method: releaseAgent,
    reason,
    caller: 'acme',
    request: (world) => {
      const { operators, agents } = world
      const named = agents[agent]
      const statement = releaseOf(operators.acme, named, domain, edits(world))
      return { operator_id: operators.acme.id, agent: named.did, statement }
    },
  }
}

/** Mistakes in the release of the agent `moving`. */
const MISTAKES: Readonly<Record<string, (world: World) => ReleaseEdits>> = {
  'another key': () => ({ signer: foreign }),
  'the key of another operator': ({ operators }) => ({ signer: operators.bravo.pair }),
  'the key of the agent': ({ agents }) => ({ signer: agents.moving.pair }),
  'another key under the kid of the operator': ({ agents: { moving } }) => ({ header: { kid: moving.end.head } }),
  'alg none': () => ({ header: { alg: 'none' } }),
  'the typ of an assertion': () => ({ header: { typ: 'auth4agent-operator+jwt' } }),
  'no kid': () => ({ header: { kid: undefined } }),
  'its own key in the header': () => ({ header: { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'x' } } }),
  'another operator as issuer': ({ operators }) => ({ claims: { iss: operators.bravo.id } }),
  'no issuer': () => ({ claims: { iss: undefined } }),
  'another agent as subject': ({ agents }) => ({ claims: { sub: agents.active.did } }),
  'the digest of another event': ({ agents }) => ({ claims: { event: agents.moving.end.head } }),
  'another new DID': ({ agents }) => ({ claims: { to: agents.moving.did } }),
  'an iat of an hour ago': () => ({ claims: { iat: now() - 3600 } }),
  'an iat of tomorrow': () => ({ claims: { iat: now() + 86_400 } }),
  'an iat that is a text': () => ({ claims: { iat: String(now()) } }),
  'an unknown claim': () => ({ claims: { note: 'x' } }),
}

const releases: readonly RefusalCase[] = [
  ...Object.entries(MISTAKES).map(([name, edits]) =>
    release(`a release with ${name}`, 'INVALID_STATEMENT', 'moving', edits),
  ),
  release('an agent that does not move', 'NOTHING_PENDING', 'active', () => ({ claims: { event: 'A'.repeat(43) } })),
  release('a pending agent', 'AGENT_PENDING', 'pending', () => ({ claims: { event: 'A'.repeat(43) } })),
  release('a revoked agent', 'AGENT_REVOKED', 'revoked', () => ({ claims: { event: 'A'.repeat(43) } })),
  release('an agent that has moved', 'AGENT_MOVED', 'moved', () => ({ claims: { event: 'A'.repeat(43) } })),
  release(
    'a move to another server during a recovery',
    'RECOVERY_PENDING',
    'leavingInRecovery',
    undefined,
    'other-server.com',
  ),
  release('a log that is too long for a bundle', 'KEY_EVENT_LIMIT', 'bulky', undefined, 'other-server.com'),
  release('an agent of another operator', 'AGENT_NOT_FOUND', 'arriving'),
]

function object(name: string, reason: ReasonCode, agent: (world: World) => string): RefusalCase {
  const request = (world: World): JsonObject => ({ operator_id: world.operators.acme.id, agent: agent(world) })
  return { name, method: objectToMove, reason, caller: 'acme', request }
}

const objections: readonly RefusalCase[] = [
  object('an agent that does not move', 'NOTHING_PENDING', ({ agents }) => agents.active.did),
  object('a pending agent', 'AGENT_PENDING', ({ agents }) => agents.pending.id),
  object('a revoked agent', 'AGENT_REVOKED', ({ agents }) => agents.revoked.did),
  object('an agent that has moved', 'AGENT_MOVED', ({ agents }) => agents.moved.did),
  object('an agent that moves to the caller', 'AGENT_NOT_FOUND', ({ agents }) => agents.unreleased.did),
  object('an unknown agent', 'AGENT_NOT_FOUND', () => NOBODY),
]

function admit(
  name: string,
  reason: ReasonCode,
  fields: (world: World) => JsonObject,
  more: Partial<RefusalCase> = {},
) {
  const made: RefusalCase = {
    name,
    method: admitAgent,
    reason,
    caller: 'acme',
    request: (world) => ({ operator_id: world.operators.acme.id, ...fields(world) }),
    ...more,
  }
  return made
}

const didOf = (agent: AgentName) => (world: World) => ({ did: world.agents[agent].did })

/** A bundle that has the right form. Nothing in it is signed. */
const BUNDLE = {
  events: ['a.b.c'],
  release: 'a.b.c',
  issuer: OTHER_ISSUER,
  founding_public_key: encodeBase64(foreign.publicKey),
  manifests: [],
}

const BUNDLES: Readonly<Record<string, JsonObject>> = {
  'an empty bundle': {},
  'a bundle of texts that are no events': BUNDLE,
  'a bundle without events': { ...BUNDLE, events: [] },
  'a bundle of 3000 events': { ...BUNDLE, events: Array.from({ length: 3000 }, () => 'a.b.c') },
  'a bundle with an event of 40 KB': { ...BUNDLE, events: ['a'.repeat(40_000)] },
  'a bundle with a manifest of 40 KB': { ...BUNDLE, manifests: ['a'.repeat(40_000)] },
}

const admissions: readonly RefusalCase[] = [
  ...Object.entries(NOT_DIDS).map(([name, did]) => admit(name, 'INVALID_DID', () => ({ did }))),
  admit('an unknown agent', 'AGENT_NOT_FOUND', () => ({ did: UNKNOWN_DID })),
  admit('a pending agent', 'AGENT_PENDING', didOf('pending')),
  admit('a revoked agent', 'AGENT_REVOKED', didOf('revoked')),
  admit('an agent that has moved to another operator', 'AGENT_MOVED', didOf('moved')),
  admit('an agent that does not move', 'NOTHING_PENDING', didOf('ofBravo')),
  admit('an agent that moves to another operator', 'NOTHING_PENDING', didOf('moving')),
  admit('an agent that moves to another server', 'NOTHING_PENDING', didOf('leaving')),
  admit('an agent that its operator has not released', 'MOVE_NOT_RELEASED', didOf('unreleased')),
  admit('an agent whose recovery waits', 'RECOVERY_PENDING', didOf('arrivingInRecovery')),
  admit('an agent of a suspended operator', 'AGENT_OPERATOR_NOT_ACTIVE', didOf('ofSuspended')),
  admit('an agent that moves to a DID of another domain', 'DID_MISMATCH', didOf('misdirected')),
  admit('an agent whose new DID exists', 'AGENT_EXISTS', didOf('known')),
  admit('neither did nor bundle', 'INVALID_ARGUMENT', () => ({})),
  admit('did and bundle', 'INVALID_ARGUMENT', (world) => ({ ...didOf('arriving')(world), bundle: {} })),
  ...Object.entries(BUNDLES).map(([name, bundle]) => admit(name, 'INVALID_BUNDLE', () => ({ bundle }))),
  ...(['lapsed', 'suspended'] as const).map((operator) =>
    admit(`an operator that is ${operator}`, 'OPERATOR_NOT_ACTIVE', didOf('arriving'), {
      caller: operator,
      audited: true,
      request: (world) => ({ operator_id: world.operators[operator].id, ...didOf('arriving')(world) }),
    }),
  ),
]

const DIDS: readonly (readonly [name: string, did: (world: World) => string, reason: ReasonCode])[] = [
  ...Object.entries(NOT_DIDS).map(([name, did]) => [name, () => did, 'INVALID_DID'] as const),
  ['an unknown agent', () => UNKNOWN_DID, 'AGENT_NOT_FOUND'],
  ['an agent that does not move', ({ agents }) => agents.active.did, 'NOTHING_PENDING'],
  ['an agent that is not released', ({ agents }) => agents.leaving.did, 'MOVE_NOT_RELEASED'],
  ['an agent that has moved within the server', ({ agents }) => agents.moved.did, 'AGENT_MOVED'],
]

const exports = DIDS.map(
  ([name, did, reason]): RefusalCase => ({
    name,
    method: exportAgent,
    reason,
    request: (world) => ({ did: did(world) }),
  }),
)

/** Cases about the rules of AgentMoveService. */
export const agentMoveCases: readonly RefusalCase[] = [...releases, ...objections, ...admissions, ...exports]
