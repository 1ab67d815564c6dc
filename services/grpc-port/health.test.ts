import { once } from 'node:events'
import { type Client, status } from '@grpc/grpc-js'
import { service } from 'grpc-health-check'
import { describe, expect, it } from 'vitest'
import { startGrpcServer } from '../../test/support/grpc.ts'

function method(name: 'Check' | 'List' | 'Watch') {
  return service[name] ?? expect.fail(`health has no ${name}`)
}

function ask(client: Client, name: 'Check' | 'List', request: object): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const { path, requestSerialize, responseDeserialize } = method(name)
  client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) =>
    error === null ? resolve(answer) : reject(error),
  )
  return promise
}

describe('health', () => {
  it.each(['', 'auth4agent.v1.AuthnService'])('of "%s" changes with setServing', async (name) => {
    const { client, server } = await startGrpcServer()
    const check = () => ask(client, 'Check', { service: name })
    expect(await check()).toMatchObject({ status: 'NOT_SERVING' })
    server.setServing(true)
    expect(await check()).toMatchObject({ status: 'SERVING' })
    server.setServing(false)
    expect(await check()).toMatchObject({ status: 'NOT_SERVING' })
  })

  it('can be set before the first request', async () => {
    const { client, server } = await startGrpcServer()
    server.setServing(true)
    expect(await ask(client, 'Check', {})).toMatchObject({ status: 'SERVING' })
  })

  it('of an unknown service is answered with NOT_FOUND', async () => {
    const { client } = await startGrpcServer()
    await expect(ask(client, 'Check', { service: 'other' })).rejects.toMatchObject({ code: status.NOT_FOUND })
  })

  it('lists every service', async () => {
    const { client } = await startGrpcServer()
    const statuses = { '': {}, 'auth4agent.v1.AuthnService': {}, 'auth4agent.v1.IdentityService': {} }
    expect(await ask(client, 'List', {})).toMatchObject({ statuses })
  })

  it('is sent to watchers after each change', async () => {
    const { client, server } = await startGrpcServer()
    const { path, requestSerialize, responseDeserialize } = method('Watch')
    const watch = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: '' })
    expect(await once(watch, 'data')).toMatchObject([{ status: 'NOT_SERVING' }])
    server.setServing(true)
    expect(await once(watch, 'data')).toMatchObject([{ status: 'SERVING' }])
    const cancelled = once(watch, 'error')
    watch.cancel()
    expect(await cancelled).toMatchObject([{ code: status.CANCELLED }])
  })
})
