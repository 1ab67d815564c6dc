import type { JsonObject } from '@bufbuild/protobuf'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { OAuthService } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { AgentName } from '../support/seed.ts'
import { type Build, mistakes } from './attestation-mistakes.ts'
import { authenticated } from './valid-requests.ts'

/** A token with a challenge, and evidence. */
const redeemBy =
  (agent: AgentName): Build =>
  (name, reason, edits = () => ({}), more = {}) => ({
    name: `evidence with a challenge: ${name}`,
    method: AuthnService.method.issueToken,
    reason,
    request: (world) => {
      const { pair } = world.agents[agent]
      const attestation = world.attestation.signed(pair, 'token', edits(world, pair))
      return { ...world.challenge(world.agents[agent]), attestation }
    },
    ...more,
  })

/** A token with a client assertion, and evidence as JSON text. */
const askBy =
  (agent: AgentName): Build =>
  (name, reason, edits = () => ({}), more = {}) => ({
    name: `evidence with a client assertion: ${name}`,
    method: OAuthService.method.token,
    reason,
    request: (world) => {
      const { pair } = world.agents[agent]
      const attestation = JSON.stringify(world.attestation.signed(pair, 'token', edits(world, pair)))
      return { grant_type: 'client_credentials', ...authenticated(world.agents[agent]), attestation }
    },
    ...more,
  })

const evidence: readonly RefusalCase[] = [redeemBy, askBy].flatMap((by) =>
  mistakes(by('active'), 'token', ({ agents }) => agents.active.pair).concat(
    by('enrolled')('that no longer meets the rule of the agent', 'ENROLMENT_REFUSED', () => ({
      attestors: ['others'],
    })),
    by('orphaned')('of an agent whose rule is gone', 'ENROLMENT_REFUSED'),
    by('suspended')('of an agent that is suspended', 'AGENT_NOT_ACTIVE'),
  ),
)

/** Agents that do not meet what attestation demands now. */
const standings: readonly RefusalCase[] = (['enrolled', 'orphaned'] as const).flatMap((agent) => [
  {
    name: `an agent that is ${agent}, and has no result`,
    reason: 'ATTESTATION_REQUIRED',
    method: AuthnService.method.issueToken,
    request: (world) => world.challenge(world.agents[agent]),
  },
  {
    name: `an agent that is ${agent}, and has no result`,
    reason: 'ATTESTATION_REQUIRED',
    method: OAuthService.method.token,
    request: (world) => ({ grant_type: 'client_credentials', ...authenticated(world.agents[agent]) }),
  },
])

const NOT_ATTESTATIONS: Readonly<Record<string, string>> = {
  'a parameter attestation that is no JSON': 'x',
  'a parameter attestation that is an array': '[]',
  'a parameter attestation with an unknown member': '{"nonce":"n","evidence":[],"did":"x"}',
  'a parameter attestation with a member twice': '{"nonce":"n","nonce":"n","evidence":[]}',
  'a parameter attestation without evidence': '{"nonce":"n"}',
}

const malformed = Object.entries(NOT_ATTESTATIONS).map(
  ([name, attestation]): RefusalCase => ({
    name,
    reason: 'INVALID_ARGUMENT',
    method: OAuthService.method.token,
    request: ({ agents }) => ({ grant_type: 'client_credentials', ...authenticated(agents.active), attestation }),
  }),
)

const NOT_DEMANDS: Readonly<Record<string, JsonObject>> = {
  'an empty type of attestors': { types: [''] },
  'a type of attestors with a blank': { types: ['a b'] },
  '65 types of attestors': { types: Array.from({ length: 65 }, (_, index) => `t${index}`) },
  'an unknown level of attestation': { level: 'quantum' },
  'a negative age of attestation': { max_age: -1 },
}

const demands = Object.entries(NOT_DEMANDS).map(
  ([name, attestation]): RefusalCase => ({
    name,
    reason: 'INVALID_ARGUMENT',
    method: AuthnService.method.verifyToken,
    request: ({ operators }) => ({ token: 'a.b.c', operators: [operators.acme.domain], attestation }),
  }),
)

const UNOWNED: Readonly<Record<string, JsonObject>> = {
  'a result of attestation of any kind without operators': {},
  'a type of attestors without operators': { types: ['tpm'] },
  'an attestor without operators': { attestors: ['tokens'] },
  'a level of attestation without operators': { level: 'hardware' },
  'an age of attestation without operators': { max_age: 60 },
}

const unowned = Object.entries(UNOWNED).map(
  ([name, attestation]): RefusalCase => ({
    name,
    reason: 'INVALID_ARGUMENT',
    method: AuthnService.method.verifyToken,
    request: () => ({ token: 'a.b.c', attestation }),
  }),
)

/** Cases about attestation for a token, and about demands on it. */
export const attestedTokenCases: readonly RefusalCase[] = [
  ...evidence,
  ...standings,
  ...malformed,
  ...demands,
  ...unowned,
]
