import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OPERATOR_ROLES } from '@auth4agent/core/identity/operator-roles'
import { create, type DescMethod, type DescService, type Message } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { AgentKeyService } from '../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import { AgentMoveService } from '../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import { AttestationService } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { AttestationPolicyService } from '../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { DelegationService } from '../../gen/proto/auth4agent/v1/delegation_pb.ts'
import { DeploymentService } from '../../gen/proto/auth4agent/v1/deployment_pb.ts'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import { OAuthService } from '../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { PeopleService } from '../../gen/proto/auth4agent/v1/people_pb.ts'
import { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { SignalService } from '../../gen/proto/auth4agent/v1/signals_pb.ts'
import { TrustService } from '../../gen/proto/auth4agent/v1/trust_pb.ts'
import { ISSUER, NOW_S } from '../../test/support/assertions.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { assertBy, ed25519Key, p256Key, type TeamKey } from '../../test/support/operator-team.ts'
import { pipelineFixture, RPC } from '../../test/support/pipeline.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { attestationPolicyPolicies } from '../attestation/management/policy.ts'
import { attestationPolicies } from '../attestation/policy.ts'
import { authnPolicies, grantPolicies, oauthPolicies } from '../authn/policy.ts'
import { deploymentPolicies } from '../deployment/policy.ts'
import { keyPolicies as agentKeyPolicies } from '../identity/key-events/policy.ts'
import { movePolicies } from '../identity/moves/policy.ts'
import { policies as identityPolicies } from '../identity/policy.ts'
import { keysPolicies } from '../keys/policy.ts'
import { keyPolicies, policies as registryPolicies } from '../operator-registry/policy.ts'
import { peoplePolicies } from '../people/policy.ts'
import { localClient } from '../platform/rpc/local-client.ts'
import { revocationPolicies } from '../revocation/policy.ts'
import { signalPolicies } from '../signals/policy.ts'
import { trustPolicies } from '../trust/policy.ts'
import type { Policy } from './policy.ts'
import { EMPTY_BODY } from './request-body.ts'

type AnyPolicy = Policy<Record<string, unknown>>

const SERVICES: readonly (readonly [DescService, Readonly<Record<string, unknown>>])[] = [
  [OperatorRegistryService, registryPolicies],
  [OperatorKeyService, keyPolicies],
  [IdentityService, identityPolicies],
  [AgentKeyService, agentKeyPolicies],
  [AgentMoveService, movePolicies],
  [AttestationService, attestationPolicies],
  [AttestationPolicyService, attestationPolicyPolicies],
  [AuthnService, authnPolicies],
  [DelegationService, grantPolicies],
  [OAuthService, oauthPolicies],
  [KeysService, keysPolicies],
  [DeploymentService, deploymentPolicies],
  [RevocationService, revocationPolicies],
  [SignalService, signalPolicies],
  [PeopleService, peoplePolicies],
  [TrustService, trustPolicies],
]

/** The role that each method needs of an operator's key. A method that is missing here admits no operators. */
const ROLES: Readonly<Record<string, string>> = {
  ReleaseDomain: 'root',
  GetOperatorPolicy: 'any',
  SetOperatorPolicy: 'policy',
  EndAllTokens: 'agents.revoke',
  ListAuditRecords: 'audit.read',
  GetAuditRecord: 'audit.read',
  GetOperatorKeys: 'watch',
  SetOperatorKeys: 'root',
  ListKeyRequests: 'any',
  DropKeyRequest: 'people',
  PutIdentityProvider: 'people',
  ListIdentityProviders: 'any',
  RemoveIdentityProvider: 'people',
  ListUsers: 'any',
  DisableUser: 'people',
  EnableUser: 'people',
  RemoveUser: 'people',
  ListClients: 'any',
  PutClient: 'people',
  BlockClient: 'people',
  ListConsents: 'any',
  WithdrawConsent: 'people',
  EndConnection: 'people',
  RegisterAgent: 'agents.register',
  ListAgents: 'any',
  ApproveAgent: 'agents.manage',
  SetAgentScopes: 'agents.manage',
  UpdateAgent: 'agents.manage',
  ReactivateAgent: 'agents.manage',
  SuspendAgent: 'agents.revoke',
  RevokeAgent: 'agents.revoke',
  RecoverAgent: 'keys',
  ReleaseAgent: 'agents.manage',
  ObjectToMove: 'agents.manage',
  AdmitAgent: 'agents.manage',
  ListAttestationResults: 'any',
  RemoveAttestationResults: 'agents.revoke',
  PutAttestor: 'agents.manage',
  ListAttestors: 'any',
  DeleteAttestor: 'agents.manage',
  CreateJoinToken: 'agents.manage',
  ListJoinTokens: 'any',
  DeleteJoinToken: 'agents.manage',
  PutEnrolmentRule: 'agents.manage',
  ListEnrolmentRules: 'any',
  DeleteEnrolmentRule: 'agents.manage',
  PutAttestationRequirement: 'policy',
  ListAttestationRequirements: 'any',
  DeleteAttestationRequirement: 'policy',
  DryRunRules: 'any',
  RevokeToken: 'agents.revoke',
  WatchRevocations: 'watch',
  CreateStream: 'policy',
  ReadStreams: 'any',
  UpdateStream: 'policy',
  ReplaceStream: 'policy',
  DeleteStream: 'policy',
  GetStreamStatus: 'any',
  UpdateStreamStatus: 'policy',
  AddSubject: 'policy',
  RemoveSubject: 'policy',
  VerifyStream: 'policy',
  PollEvents: 'policy',
  PutTrustStatement: 'root',
  ListTrustStatements: 'any',
  RevokeTrustStatement: 'trust',
  ProposeTrust: 'trust',
  ListTrustProposals: 'any',
  DismissTrustProposal: 'trust',
  ExplainTrust: 'any',
  ExportTrustGraph: 'any',
  CreateTrustView: 'any',
  ListAdmissions: 'watch',
  ListPublishedTrust: 'any',
}

const LINES = SERVICES.flatMap(([{ methods }, policies]) =>
  methods.map((method) => ({ method, policy: policies[method.localName] as AnyPolicy })),
)
const OF_OPERATORS = LINES.filter(({ policy }) => policy.callers.some((caller) => caller === 'operator'))

const ID = 'cccccccc-3333-8333-8333-333333333333'
const root = ed25519Key('root')
/** A key for each role that has only this role, alternately Ed25519 and P-256. */
const KEYS: readonly (readonly [string, TeamKey])[] = [
  ['root', root],
  ...OPERATOR_ROLES.map((role, at) => [role, at % 2 === 0 ? ed25519Key(role) : p256Key(role)] as const),
]

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const operators = localClient(OperatorDirectoryService, {
  lookupOperator: async () => ({
    operator: {
      id: ID,
      status: 'active',
      rootPublicKey: root.publicKey,
      keys: KEYS.map(([role, { kid, jwk, label }]) => ({
        kid,
        jwk: JSON.stringify(jwk),
        label,
        ...(role === 'root' ? { root: true } : { roles: [role], nbf: BigInt(NOW_S), exp: BigInt(NOW_S + 1) }),
      })),
    },
  }),
  lookupAudienceOwner: async () => ({}),
})

/** Calls a method behind the pipeline with an assertion of a key. Returns the reason of a refusal. */
async function outcome(method: DescMethod, policy: AnyPolicy, key: TeamKey): Promise<string | undefined> {
  const isStream = method.methodKind === 'server_streaming'
  const fixture = pipelineFixture(database.db, {
    method,
    policy,
    deps: { operators },
    ...(isStream ? { streamHandler: async function* () {} } : { handler: async () => ({}) }),
  })
  const own = policy.own === undefined || policy.own === 'none' ? {} : { [policy.own]: ID }
  const call = { operatorId: ID, issuer: ISSUER, nowS: NOW_S, rpc: RPC, body: EMPTY_BODY.bytes() }
  const authorization = assertBy(key, call)
  if (isStream) return refusalOf(fixture.watch(authorization, {}, undefined, own).next())
  return refusalOf(fixture.send(() => create(method.input, own) as Message, { authorization }))
}

describe('the role of an operator’s key', () => {
  it('is named by the policies of exactly the methods that admit operators', () => {
    const named = Object.fromEntries(OF_OPERATORS.map(({ method, policy }) => [method.name, policy.role]))
    expect(named).toEqual(ROLES)
    const others = LINES.filter((line) => !OF_OPERATORS.includes(line))
    expect(others.filter(({ policy }) => policy.role !== undefined)).toEqual([])
  })

  it('is in the table of docs/protocol.md with exactly the methods that need it', async () => {
    const document = await readFile(join(import.meta.dirname, '../../docs/protocol.md'), 'utf8')
    const [, table = ''] = document.split('| role | calls |')
    const names: Readonly<Record<string, string>> = {
      any: 'any key, but one with `watch` alone',
      root: 'root keys only',
      watch: 'any key, also one with `watch` alone',
    }
    for (const role of ['any', 'root', ...OPERATOR_ROLES]) {
      const cell = names[role] ?? `\`${role}\``
      const row = table.split('\n').find((line) => line.startsWith(`| ${cell} | `)) ?? ''
      const methods = Object.keys(ROLES).filter((name) => ROLES[name] === role)
      const listed = [...row.slice(cell.length + 4).matchAll(/`(\w+)`/g)].map(([, name]) => name)
      expect({ role, methods: new Set(listed) }).toEqual({ role, methods: new Set(methods) })
    }
  })

  it.each(OF_OPERATORS.map((line) => [line.method.name, line] as const))(
    'decides who may call %s: root keys, and keys with its role',
    async (name, { method, policy }) => {
      for (const [role, key] of KEYS) {
        const isForAll = ROLES[name] === 'watch' || (ROLES[name] === 'any' && role !== 'watch')
        const isAdmitted = role === 'root' || isForAll || ROLES[name] === role
        expect([role, await outcome(method, policy, key)]).toEqual([role, isAdmitted ? undefined : 'ROLE_REQUIRED'])
      }
    },
  )

  it('is named in the refusal, with the label of the key, and the refusal is audited', async () => {
    const { method, policy } = OF_OPERATORS.find(({ method }) => method === IdentityService.method.revokeAgent) ?? {}
    if (method === undefined || policy === undefined) throw new Error('RevokeAgent must admit operators')
    const fixture = pipelineFixture(database.db, { method, policy, deps: { operators } })
    const [, key] = KEYS.find(([role]) => role === 'keys') ?? ['', root]
    const call = { operatorId: ID, issuer: ISSUER, nowS: NOW_S, rpc: RPC, body: EMPTY_BODY.bytes() }
    const meta = { authorization: assertBy(key, call), requestId: 'role-required' }
    const request: Record<string, unknown> = { operatorId: ID, agent: 'a-1' }
    const refused = fixture.send(() => create(method.input, request), meta)
    await expect(refused).rejects.toMatchObject({
      message: 'The key "keys" must have the role agents.revoke for this call, but has only keys',
    })
    const record = await database.db.prisma.auditLog.findFirstOrThrow({ where: { requestId: 'role-required' } })
    expect(record).toMatchObject({ action: 'agent.revoke', reason: 'ROLE_REQUIRED', kid: key.kid, keyLabel: 'keys' })
  })
})
