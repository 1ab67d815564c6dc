import { credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { protoPath } from 'grpc-health-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'

interface HealthClient {
  check(request: { service: string }, done: (error: Error | null, answer: { status: string }) => void): void
  close(): void
}

let deployment: Deployment
let client: HealthClient

beforeAll(async () => {
  deployment = await startDeployment()
  const { grpc } = loadPackageDefinition(loadSync(protoPath, { enums: String })) as unknown as {
    grpc: { health: { v1: { Health: ServiceClientConstructor } } }
  }
  const { Health } = grpc.health.v1
  client = new Health(deployment.server.grpcAddress, credentials.createInsecure()) as unknown as HealthClient
})
afterAll(async () => {
  client?.close()
  await deployment?.stop()
})

it.each(['', 'auth4agent.v1.AuthnService', 'auth4agent.v1.IdentityService', 'auth4agent.v1.OperatorRegistryService'])(
  'grpc.health.v1 answers SERVING for "%s"',
  async (service) => {
    expect(await check(service)).toBe('SERVING')
  },
)

it('grpc.health.v1 answers NOT_FOUND for an internal service', async () => {
  await expect(check('auth4agent.internal.v1.AgentDirectoryService')).rejects.toMatchObject({ code: 5 })
})

function check(service: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  client.check({ service }, (error, answer) => (error === null ? resolve(answer.status) : reject(error)))
  return promise
}
