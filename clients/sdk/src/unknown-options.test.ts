import { credentials } from '@grpc/grpc-js'
import { expect, it } from 'vitest'
import { createAdministrator } from './administrator.ts'
import { Auth4Agent } from './auth4agent.ts'
import { authenticate } from './authenticate.ts'
import { authorized } from './connect.ts'
import { createAgent } from './create-agent.ts'
import { authorizedCredentials, localInterceptor } from './grpc.ts'
import { generatePrivateKey } from './node/index.ts'
import { openCalls } from './open-calls.ts'
import { createOperator } from './operator.ts'
import { approveRequest } from './operator-request.ts'
import { createTransport } from './transport.ts'

const { signer: key } = generatePrivateKey()
const did = 'did:agent:example.com:21fe31dfa154a261626bf854046fd227'
let sent = 0
const options = {
  server: 'https://auth.example',
  fetch: async () => {
    sent += 1
    return Response.json({})
  },
}
const agent = createAgent({ ...options, did, key })
const operator = createOperator({ ...options, domain: 'example.com', key })
const sdk = new Auth4Agent(options)
const keys = { seq: 0, threshold: 1, rootKeys: [], keys: [] }
const grantOptions = { capabilities: {}, expires: '1m' }
const OTHER = 'bbbbbbbb-2222-8222-8222-222222222222'
const PARTIES = {
  sub: OTHER,
  subHome: 'https://auth.example',
  subDomain: 'other.example',
  aud: ['https://auth.example'],
}
const SIGNER = { iss: operator.id, home: 'https://auth.example', domain: 'example.com' }
const DRAFT = { ...SIGNER, ...PARTIES, kind: 'member', grants: [], visibility: 'parties' } as const
const newAgent = { publicKey: key.publicKey }

/** Makes an unknown option that TypeScript accepts, because programs without types can pass any option. */
const other = (name: string): object => ({ [name]: 'x' })

it.each<[string, string, (unknown: object) => unknown]>([
  ['id', 'operatorId', (unknown) => createOperator({ ...options, domain: 'example.com', key, ...unknown })],
  ['rootkey', 'rootKey', (unknown) => createOperator({ ...options, domain: 'example.com', key, ...unknown })],
  ['lifetime', 'lifetimeS', (unknown) => approveRequest(operator.prepareRelease(), { key, ...unknown })],
  ['treshold', 'threshold', (unknown) => operator.keys.set({ ...keys, ...unknown })],
  ['threshhold', 'threshold', (unknown) => operator.keys.prepare({ ...keys, ...unknown })],
  ['keys', 'key', (unknown) => createAdministrator({ ...options, key, ...unknown })],
  ['audiences', 'audience', (unknown) => createAgent({ ...options, did, key, ...unknown })],
  ['scope', 'scopes', (unknown) => agent.token(unknown)],
  ['scope', 'scopes', (unknown) => agent.fetch('https://api.example', undefined, unknown)],
  ['scope', 'scopes', (unknown) => agent.authorization('GET', 'https://api.example', unknown)],
  ['dopp', 'dpop', (unknown) => createAgent({ ...options, did, key, ...unknown })],
  ['lifetime', 'lifetimeS', (unknown) => agent.clientAssertion(unknown)],
  ['expire', 'expires', (unknown) => agent.requestGrant({ ...grantOptions, ...unknown })],
  ['domain', 'domains', (unknown) => agent.delegate({ ...grantOptions, to: did, ...unknown })],
  ['grants', 'grant', (unknown) => createAgent({ ...options, did, key, ...unknown })],
  ['signals', 'signal', (unknown) => authenticate({ ...options, did, key, ...unknown })],
  ['timeout', 'timeoutMs', (unknown) => createTransport({ ...options, ...unknown })],
  ['timeout', 'timeoutMs', (unknown) => openCalls({ ...options, ...unknown })],
  ['isuer', 'issuer', (unknown) => new Auth4Agent({ ...options, ...unknown })],
  ['aud', 'audience', (unknown) => sdk.authenticate({ did, identity: key, ...unknown })],
  ['scope', 'scopes', (unknown) => sdk.verify('token', unknown)],
  ['operator', 'operators', (unknown) => openCalls(options).verifyToken('token', unknown)],
  ['delegations', 'delegation', (unknown) => openCalls(options).verifyToken('token', unknown)],
  ['dpop_proof', 'dpopProof', (unknown) => openCalls(options).verifyToken('token', unknown)],
  ['state', 'status', (unknown) => operator.agents.list(unknown)],
  ['labels', 'label', (unknown) => operator.agents.update(did, unknown)],
  ['document', 'didDocument', (unknown) => operator.agents.register({ ...newAgent, ...unknown })],
  ['pagesizes', 'pageSize', (unknown) => operator.audit(unknown)],
  ['ended', 'withEnded', (unknown) => operator.trust.list(unknown)],
  ['grant', 'grants', (unknown) => operator.trust.draft({ kind: 'member', subject: {}, ...unknown })],
  ['versions', 'version', (unknown) => operator.trust.sign(DRAFT, unknown)],
  ['scope', 'scopes', (unknown) => authorized(agent, unknown)],
  ['scope', 'scopes', (unknown) => authorizedCredentials(agent, credentials.createSsl(), unknown)],
  ['scope', 'scopes', (unknown) => localInterceptor(agent, unknown)],
  ['publicURL', 'publicUrl', (unknown) => localInterceptor(agent, unknown)],
])('the unknown option %s causes a TypeError that suggests %s, and nothing is sent', async (name, nearest, call) => {
  sent = 0
  const error: unknown = await Promise.try(call, other(name)).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TypeError)
  expect(error).toHaveProperty('message', expect.stringContaining(`"${name}": the nearest known one is "${nearest}"`))
  expect(sent).toBe(0)
})

it.each(['audience', 'scopes', 'operators'])('Auth4Agent.verify throws TypeError if %s is empty', async (name) => {
  await expect(sdk.verify('token', { [name]: [] })).rejects.toThrow(`${name} must not be empty`)
})

it('setScopes throws TypeError if scopes is not an array, which would end the grant', async () => {
  const forgotten: readonly string[] = JSON.parse('null')
  await expect(operator.agents.setScopes(did, forgotten)).rejects.toThrow(TypeError)
})
