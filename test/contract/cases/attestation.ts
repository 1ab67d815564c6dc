import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { generateKeyPair, type KeyPair } from '@auth4agent/core/keys/ed25519'
import type { JsonObject } from '@bufbuild/protobuf'
import { AttestationService } from '../../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { AgentName } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import { type Build, mistakes } from './attestation-mistakes.ts'
import { NOT_DIDS } from './identity.ts'
import { NOBODY, validRequests } from './valid-requests.ts'

const { createAttestationNonce, attest, listAttestationResults, removeAttestationResults } = AttestationService.method
const { registerAgent, approveAgent, setAgentScopes } = IdentityService.method
const fresh = generateKeyPair()
const UNKNOWN_DID = `did:agent:acme-operator.com:${'0'.repeat(32)}`

/** A new agent of acme that enrols by the rule `web`. */
const enrolBy =
  (pairOf: (world: World) => KeyPair, fields: JsonObject = {}): Build =>
  (name, reason, edits = () => ({}), more = {}) => ({
    name: `evidence of a new agent: ${name}`,
    method: registerAgent,
    reason,
    request: (world) => {
      const pair = pairOf(world)
      const attestation = world.attestation.signed(pair, 'enrol', { rule: 'web', ...edits(world, pair) })
      const key = encodeBase64(pair.publicKey)
      return { operator_id: world.operators.acme.id, agent_public_key: key, attestation, ...fields }
    },
    ...more,
  })
const enrol = enrolBy(() => fresh)

const attestBy =
  (agent: AgentName): Build =>
  (name, reason, edits = () => ({}), more = {}) => ({
    name,
    method: attest,
    reason,
    request: (world) => {
      const { did, pair, operatorId } = world.agents[agent]
      const nonce = world.attestation.nonce(pair, { purpose: 'attest', operatorId })
      return { did, attestation: world.attestation.signed(pair, 'attest', { nonce, ...edits(world, pair) }) }
    },
    ...more,
  })
const attestAgain = attestBy('active')

const enrolments: readonly RefusalCase[] = [
  ...mistakes(enrol, 'enrol', () => fresh),
  enrol('a rule whose condition does not hold', 'ENROLMENT_REFUSED', () => ({ rule: 'never' })),
  enrol('an unknown rule', 'ENROLMENT_REFUSED', () => ({ rule: 'nobody' })),
  enrol('an attestor that the rule does not name', 'ENROLMENT_REFUSED', () => ({ attestors: ['others'] })),
  enrol('several rules that it meets', 'RULE_AMBIGUOUS', () => ({ rule: '' })),
  enrol('a rule without a free place', 'TOO_MANY_AGENTS', () => ({ rule: 'full' })),
  enrol('a rule with a scope that needs another result', 'ATTESTATION_REQUIRED', () => ({ rule: 'vault' })),
  ...(['active', 'suspended', 'revoked', 'enrolled'] as const).map((agent) =>
    enrolBy(({ agents }) => agents[agent].pair)(`the key of the agent ${agent}`, 'AGENT_EXISTS'),
  ),
  enrolBy(() => fresh, { label: 'mine' })('a label', 'INVALID_ARGUMENT'),
  enrol('an assertion of the operator', 'INVALID_ARGUMENT', undefined, { caller: 'acme' }),
  {
    name: 'an agent that needs a result, by its operator',
    method: registerAgent,
    reason: 'ATTESTATION_REQUIRED',
    caller: 'acme',
    request: ({ operators: { acme }, attestation: { demanded } }) => ({
      operator_id: acme.id,
      agent_public_key: encodeBase64(demanded.publicKey),
    }),
  },
]

const attestations: readonly RefusalCase[] = [
  ...mistakes(attestAgain, 'attest', ({ agents }) => agents.active.pair),
  ...Object.entries(NOT_DIDS).map(
    ([name, did]): RefusalCase => ({
      name,
      method: attest,
      reason: 'INVALID_DID',
      request: () => ({ did, attestation: {} }),
    }),
  ),
  ...['acme-operator.com', 'nobody-operator.com', 'released-operator.com'].map(
    (domain): RefusalCase => ({
      name: `an unknown agent under ${domain}`,
      method: attest,
      reason: 'AGENT_NOT_FOUND',
      request: () => ({ did: UNKNOWN_DID.replace('acme-operator.com', domain), attestation: {} }),
    }),
  ),
  ...(['pending', 'suspended', 'revoked', 'moved'] as const).map((agent) =>
    attestBy(agent)(`an agent that is ${agent}`, 'AGENT_NOT_ACTIVE'),
  ),
  attestBy('ofSuspended')('an agent of a suspended operator', 'AGENT_OPERATOR_NOT_ACTIVE'),
  attestBy('ofBravo')('an attestor that only another operator has', 'ATTESTOR_NOT_FOUND'),
  attestBy('orphaned')('an agent whose rule is gone', 'ENROLMENT_REFUSED'),
  attestBy('enrolled')('results that do not meet the agent’s rule', 'ENROLMENT_REFUSED', () => ({
    attestors: ['others'],
  })),
  {
    name: 'no attestation',
    method: attest,
    reason: 'INVALID_ARGUMENT',
    request: ({ agents: { active } }) => ({ did: active.did }),
  },
]

/** Cases about requirements that an agent does not meet when it becomes active or gets scopes. */
const demands: readonly RefusalCase[] = [
  ...(['id', 'did'] as const).map(
    (member): RefusalCase => ({
      name: `an agent that needs a result, by its ${member}`,
      method: approveAgent,
      reason: 'ATTESTATION_REQUIRED',
      caller: 'acme',
      request: ({ agents: { unattested } }) => ({ operator_id: unattested.operatorId, agent: unattested[member] }),
    }),
  ),
  ...(
    [
      ['a pending agent that needs a result', 'unattested', ['read']],
      ['a scope that needs a result', 'active', ['read', 'vault:open']],
    ] as const
  ).map(
    ([name, agent, scopes]): RefusalCase => ({
      name,
      method: setAgentScopes,
      reason: 'ATTESTATION_REQUIRED',
      caller: 'acme',
      request: ({ agents }) => ({
        operator_id: agents[agent].operatorId,
        did: agents[agent].did,
        allowed_scopes: [...scopes],
      }),
    }),
  ),
]

const AGENTS: readonly (readonly [name: string, agent: (world: World) => string])[] = [
  ['an unknown id', () => NOBODY],
  ['an unknown DID', () => UNKNOWN_DID],
  ['a text that is neither id nor DID', () => 'constructor'],
  ['another operator’s agent by id', ({ agents }) => agents.ofBravo.id],
  ['another operator’s agent by DID', ({ agents }) => agents.ofBravo.did],
]

const results = [listAttestationResults, removeAttestationResults].flatMap((method) =>
  AGENTS.map(
    ([name, agent]): RefusalCase => ({
      name,
      method,
      reason: 'AGENT_NOT_FOUND',
      caller: 'acme',
      request: (world) => ({ operator_id: world.operators.acme.id, agent: agent(world) }),
    }),
  ),
)

const INPUTS: readonly (readonly [name: string, reason: ReasonCode, attestor: string, input: Uint8Array])[] = [
  ['an input of one byte more than 16 KiB', 'INVALID_ARGUMENT', 'machine', new Uint8Array(16 * 1024 + 1)],
  ['no input', 'EVIDENCE_REFUSED', 'machine', new Uint8Array()],
  ['an input of zeros', 'EVIDENCE_REFUSED', 'machine', new Uint8Array(1024)],
  ['an input of the wrong form', 'EVIDENCE_REFUSED', 'machine', Buffer.from('{}')],
  ['an attestor without a challenge', 'INVALID_ARGUMENT', 'tokens', Buffer.from('{}')],
]

const challenges = INPUTS.map(
  ([name, reason, attestor, input]): RefusalCase => ({
    name,
    method: createAttestationNonce,
    reason,
    request: (world) => ({
      ...validRequests['AttestationService.CreateAttestationNonce']?.(world),
      attestor,
      challenge_input: encodeBase64(input),
    }),
  }),
)

/** Cases about AttestationService, and about attestation in the calls of IdentityService. */
export const attestationCases: readonly RefusalCase[] = [
  ...enrolments,
  ...attestations,
  ...demands,
  ...results,
  ...challenges,
]
