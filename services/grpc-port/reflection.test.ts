import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { startGrpcServer } from '../../test/support/grpc.ts'

const run = promisify(execFile)

function buf(...args: readonly string[]) {
  return run('node_modules/.bin/buf', ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...args])
}

describe('reflection', () => {
  it.each(['grpc-v1', 'grpc-v1alpha'])(
    '%s gives buf curl the proto files that it needs for a call',
    async (reflection) => {
      const { rpc, port } = await startGrpcServer()
      rpc.answer(IdentityService.method.getAgent, ({ did }) => ({ did, allowedScopes: ['a'] }))
      const url = `http://127.0.0.1:${port}/auth4agent.v1.IdentityService/GetAgent`
      const { stdout } = await buf('--reflect', '--reflect-protocol', reflection, '-d', '{"did":"d"}', url)
      expect(JSON.parse(stdout)).toStrictEqual({ did: 'd', allowedScopes: ['a'] })
    },
  )

  it('lists the public services and health, and no internal service', async () => {
    const { port } = await startGrpcServer()
    const { stdout } = await buf('--list-services', `http://127.0.0.1:${port}`)
    expect(stdout.trim().split('\n').toSorted()).toStrictEqual([
      'auth4agent.v1.AgentKeyService',
      'auth4agent.v1.AgentMoveService',
      'auth4agent.v1.AuthnService',
      'auth4agent.v1.DelegationService',
      'auth4agent.v1.IdentityService',
      'auth4agent.v1.KeysService',
      'auth4agent.v1.OAuthService',
      'auth4agent.v1.OperatorRegistryService',
      'auth4agent.v1.RevocationService',
      'auth4agent.v1.SignalService',
      'grpc.health.v1.Health',
    ])
    const inside = buf('-d', '{}', `http://127.0.0.1:${port}/auth4agent.internal.v1.AgentDirectoryService/LookupAgent`)
    await expect(inside).rejects.toThrow('auth4agent.internal.v1.AgentDirectoryService')
  })
})
