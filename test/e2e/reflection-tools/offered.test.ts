import { Client, credentials, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ClientRegistrationService } from '../../../gen/proto/auth4agent/v1/client_registration_pb.ts'
import { ProviderSignalService } from '../../../gen/proto/auth4agent/v1/provider_signals_pb.ts'
import { SignInService } from '../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { bufCurlOf, listServices } from './buf-curl.ts'

let deployment: Deployment

beforeAll(async () => {
  deployment = await startDeployment()
})
afterAll(() => deployment?.stop())

it('reflection lists the public services and no internal service', async () => {
  expect(await listServices(deployment.server.grpcAddress)).toEqual([
    'auth4agent.v1.AgentKeyService',
    'auth4agent.v1.AgentMoveService',
    'auth4agent.v1.AttestationPolicyService',
    'auth4agent.v1.AttestationService',
    'auth4agent.v1.AuthnService',
    'auth4agent.v1.DelegationService',
    'auth4agent.v1.DeploymentService',
    'auth4agent.v1.FederationAdminService',
    'auth4agent.v1.FederationService',
    'auth4agent.v1.IdentityService',
    'auth4agent.v1.IssuerService',
    'auth4agent.v1.KeysService',
    'auth4agent.v1.OAuthService',
    'auth4agent.v1.OperatorKeyService',
    'auth4agent.v1.OperatorRegistryService',
    'auth4agent.v1.PeopleService',
    'auth4agent.v1.RevocationService',
    'auth4agent.v1.SignalService',
    'auth4agent.v1.StatusListService',
    'auth4agent.v1.TrustService',
    'envoy.service.auth.v3.Authorization',
    'grpc.health.v1.Health',
  ])
})

it.each([
  'internal.v1.AgentDirectoryService/LookupAgent',
  'internal.v1.OperatorDirectoryService/LookupOperator',
  'internal.v1.TokenStatusService/CheckToken',
  ...[SignInService, ProviderSignalService, ClientRegistrationService].flatMap(({ name, methods }) =>
    methods.map((method) => `v1.${name}/${method.name}`),
  ),
])('the public ports neither list nor serve %s, which is internal or for routes of the server', async (name) => {
  const method = `auth4agent.${name}`
  const { baseUrl, grpcAddress } = deployment.server
  await expect(bufCurlOf(grpcAddress).call(method, {})).rejects.toThrow('failed to find service')
  expect(await statusOf(grpcAddress, method)).toBe(status.UNIMPLEMENTED)
  const headers = { 'content-type': 'application/json' }
  expect(await fetch(`${baseUrl}/${method}`, { method: 'POST', headers, body: '{}' })).toMatchObject({ status: 404 })
})

const bytes = (value: Buffer) => value

/** Returns the status of a call by a client that does not need reflection to know the method. */
async function statusOf(address: string, method: string): Promise<status> {
  const client = new Client(address, credentials.createInsecure())
  const { promise, resolve } = Promise.withResolvers<status>()
  client.makeUnaryRequest(`/${method}`, bytes, bytes, Buffer.alloc(0), (error) => resolve(error?.code ?? status.OK))
  const code = await promise
  client.close()
  return code
}
