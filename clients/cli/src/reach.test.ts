import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { DescService } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { DeploymentService } from '../../../gen/proto/auth4agent/v1/deployment_pb.ts'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { KeysService } from '../../../gen/proto/auth4agent/v1/keys_pb.ts'
import { OperatorKeyService } from '../../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { PeopleService } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { authnPolicies } from '../../../services/authn/policy.ts'
import type { CallerKind } from '../../../services/calls/policy.ts'
import { deploymentPolicies } from '../../../services/deployment/policy.ts'
import { pathPattern } from '../../../services/http-port/router.ts'
import { policies as identityPolicies } from '../../../services/identity/policy.ts'
import { restBindings } from '../../../services/jwks-gateway/rest/rest-bindings.ts'
import { keysPolicies } from '../../../services/keys/policy.ts'
import { keyPolicies, policies as operatorPolicies } from '../../../services/operator-registry/policy.ts'
import { peoplePolicies } from '../../../services/people/policy.ts'
import { revocationPolicies } from '../../../services/revocation/policy.ts'
import { runCli } from '../../../test/support/cli.ts'
import { type ConfigFolder, createConfigFolder } from '../../../test/support/config-folder.ts'
import { newAgentParty, newKeys, thumbprintOf } from '../../../test/support/parties.ts'

const SERVER = 'http://localhost:1234'
const DOMAIN = 'example.com'
const OPERATOR = randomUUID()
const RECORD = randomUUID()
const root = newKeys()
const agent = newAgentParty(DOMAIN)
const KEY = ['--key', '-']
/** Path in the folder. */
const IMPORTED = 'keys/agent.key'

/** The command for each call that the policies allow. A list with one entry says why there is no command. */
const WAYS: Readonly<Record<string, readonly string[]>> = {
  'operator registerAgent': ['agent', 'register'],
  'operator listAgents': ['agent', 'list'],
  'operator approveAgent': ['agent', 'approve', agent.did],
  'operator setAgentScopes': ['scope', 'set', '--scopes', 'read'],
  'operator updateAgent': ['agent', 'update', agent.did, '--label', 'x'],
  'operator suspendAgent': ['agent', 'suspend', '--agent-id', agent.did],
  'operator reactivateAgent': ['agent', 'reactivate', '--agent-id', agent.did],
  'operator revokeAgent': ['agent', 'revoke', '--agent-id', agent.did],
  'operator releaseDomain': ['operator', 'release-domain', '--confirm-name', DOMAIN],
  'operator getOperatorPolicy': ['policy', 'show'],
  'operator setOperatorPolicy': ['policy', 'set', '--hide-allowed-scopes', 'on'],
  'operator endAllTokens': ['operator', 'end-all-tokens'],
  'operator listAuditRecords': ['audit', 'list'],
  'operator getAuditRecord': ['audit', 'show', RECORD],
  'operator getOperatorKeys': ['operator-key', 'list'],
  'operator setOperatorKeys': ['operator-key', 'set-threshold', '1'],
  'operator listKeyRequests': ['operator-key', 'list-requests'],
  'operator dropKeyRequest': ['operator-key', 'drop-request', 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'],
  'operator putIdentityProvider': ['provider', 'put', 'work', 'https://idp.example', '--client-id', 'a', '--all-users'],
  'operator listIdentityProviders': ['provider', 'list'],
  'operator removeIdentityProvider': ['provider', 'remove', 'work'],
  'operator listUsers': ['user', 'list'],
  'operator disableUser': ['user', 'disable', 'user:a'],
  'operator enableUser': ['user', 'enable', 'user:a'],
  'operator removeUser': ['user', 'remove', 'user:a'],
  'operator listClients': ['client', 'list'],
  'operator putClient': ['client', 'allow', 'https://client.example/client.json'],
  'operator blockClient': ['client', 'block', 'https://client.example/client.json'],
  'operator listConsents': ['consent', 'list'],
  'operator withdrawConsent': ['consent', 'withdraw', randomUUID()],
  'operator endConnection': ['connection', 'end', randomUUID()],
  'operator revokeToken': ['token', 'revoke', '--jti', randomUUID()],
  'operator watchRevocations': ['revocation', 'watch'],
  'admin watchRevocations': [
    'the tool has no such command; the administrator can use curl with an assertion of `assertion create --admin`',
  ],
  'admin listSigningKeys': ['signing-key', 'list', ...KEY],
  'admin rotateSigningKeys': ['signing-key', 'rotate', ...KEY],
  'admin markKeyCompromised': [
    'signing-key',
    'mark-compromised',
    '--kid',
    'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    ...KEY,
  ],
  'admin importSigningKey': ['signing-key', 'import', IMPORTED, ...KEY],
  'admin suspendOperator': ['operator', 'suspend', OPERATOR, ...KEY],
  'admin reinstateOperator': ['operator', 'reinstate', OPERATOR, ...KEY],
  'admin listProcesses': ['admin', 'processes', ...KEY],
  'admin contractSchema': ['admin', 'schema', 'contract', ...KEY],
  'admin endAllTokensOfDeployment': ['deployment', 'end-all-tokens', ...KEY],
}
const BY_COMMAND = Object.entries(WAYS).filter(([, words]) => words.length > 1)

const contract: readonly (readonly [
  DescService,
  Readonly<Record<string, { readonly callers: readonly CallerKind[] }>>,
])[] = [
  [AuthnService, authnPolicies],
  [IdentityService, identityPolicies],
  [KeysService, keysPolicies],
  [DeploymentService, deploymentPolicies],
  [OperatorRegistryService, operatorPolicies],
  [OperatorKeyService, keyPolicies],
  [PeopleService, peoplePolicies],
  [RevocationService, revocationPolicies],
]
const bindings = restBindings(contract.map(([service]) => service))

let folder: ConfigFolder
beforeAll(async () => {
  folder = await createConfigFolder()
  await folder.operator({ id: OPERATOR, domain: DOMAIN, server: SERVER }, root)
  await folder.agent({ operatorId: OPERATOR, server: SERVER }, agent)
})
afterAll(() => folder.remove())

/**
 * Runs a command against a server that gives the same answer to all calls. Returns `caller method` for each call with
 * an assertion.
 */
async function callsOf(words: readonly string[]): Promise<string[]> {
  const stop = new AbortController()
  const made: string[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    const { pathname } = new URL(request.url)
    const called = bindings.find(
      ({ verb, path }) => verb === request.method && pathPattern(path.template).test(pathname),
    )
    const [header = ''] = (request.headers.get('authorization') ?? '').replace('Bearer ', '').split('.')
    const { typ } = header === '' ? {} : JSON.parse(String(Buffer.from(header, 'base64url')))
    const caller = { 'auth4agent-operator+jwt': 'operator', 'auth4agent-admin+jwt': 'admin' }[String(typ)]
    if (caller !== undefined) made.push(`${caller} ${called?.method.localName}`)
    if (called?.method.localName === 'watchRevocations') stop.abort('interrupted')
    const policy = { audiences: [], require_bound_challenges: false }
    const keys = { seq: 0, manifest: '', threshold: 1, root_keys: [{ kid: thumbprintOf(root), label: '' }] }
    return Response.json({ id: OPERATOR, domain: DOMAIN, status: 'active', issuer: SERVER, ...policy, ...keys })
  }
  const input = String(newKeys().privateKey.export({ format: 'pem', type: 'pkcs8' }))
  await runCli(
    [...words.map((word) => (word === IMPORTED ? join(folder.path, word) : word)), '--config', folder.path, '--json'],
    {
      fetch,
      readStdin: async () => input,
      signal: stop.signal,
    },
  )
  return made
}

describe('calls of operators and administrators', () => {
  it('each have a command or a reason for its absence', () => {
    const allowed = contract.flatMap(([, policies]) =>
      Object.entries(policies).flatMap(([method, { callers }]) =>
        callers.filter((caller) => caller !== 'anyone').map((caller) => `${caller} ${method}`),
      ),
    )
    expect(Object.keys(WAYS).toSorted()).toEqual(allowed.toSorted())
  })

  it.each(BY_COMMAND)('%s is made by the command %j', async (call, words) => {
    expect(await callsOf(words)).toContain(call)
  })
})
