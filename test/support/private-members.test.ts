import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DescMessage } from '@bufbuild/protobuf'
import { describe, expect, it, onTestFinished } from 'vitest'
import { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import { ApiError } from '../../services/platform/errors/api-error.ts'
import { methods, shortName } from '../contract/support/contract.ts'
import { grpcCaller, grpcPath } from '../contract/support/grpc.ts'
import { sendHttp } from '../contract/support/http.ts'
import { startGrpcServer } from './grpc.ts'
import { expectNothingPrivate, findPrivateMembers, PRIVATE_MEMBERS } from './private-members.ts'
import { protocolClient } from './protocol-client.ts'

describe('findPrivateMembers', () => {
  it.each([
    ['a private OKP key', { keys: [{ kty: 'OKP', x: 'AA', d: 'AA' }] }, ['keys.0.d']],
    ['a private RSA key', { n: 'AA', p: 'AA', q: 'AA', dp: '', dq: null, qi: 0 }, ['p', 'q', 'dp', 'dq', 'qi']],
    ['a symmetric key', [{ kty: 'oct', k: 'AA' }], ['0.k']],
    ['a PEM', { detail: 'got -----BEGIN EC PRIVATE KEY-----' }, ['detail']],
    ['a PEM that is the whole answer', '-----BEGIN PRIVATE KEY-----', ['']],
    [
      'no member of public keys',
      {
        keys: [
          { kty: 'EC', x: 'd', y: 'p', kid: 'k' },
          { n: 'q', e: 'AQAB' },
        ],
      },
      [],
    ],
    ['no element of arrays, because elements have no names', [['d']], []],
    ['no member of null', null, []],
  ])('finds %s', (_, value, found) => {
    expect(findPrivateMembers(value)).toEqual(found)
  })

  it('expectNothingPrivate throws for a private key, in JSON or not', () => {
    expect(() => expectNothingPrivate('{"d":"AA"}')).toThrow('at d')
    expect(() => expectNothingPrivate('x -----BEGIN RSA PRIVATE KEY-----')).toThrow()
    expect(() => expectNothingPrivate('{"d')).not.toThrow()
  })
})

describe('an answer with a private key', () => {
  const PEM = '-----BEGIN PRIVATE KEY-----'

  it('is refused by the REST clients of the tests', async () => {
    const server = createServer((_, response) => response.end('{"keys":[{"kty":"OKP","d":"AA"}]}')).listen(
      0,
      '127.0.0.1',
    )
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await expect(sendHttp(url, { verb: 'GET', path: '/' })).rejects.toThrow('at keys.0.d')
    await expect(protocolClient(url).get('/')).rejects.toThrow('at keys.0.d')
  })

  it.each([
    ['a message', () => ({ keys: [{ x: PEM }] })],
    [
      'an error',
      () => {
        throw new ApiError('INVALID_SIGNING_KEY', PEM)
      },
    ],
  ])('is refused by the gRPC client of the tests in %s', async (_, answer) => {
    const { rpc, port } = await startGrpcServer()
    const method = KeysService.method.getJsonWebKeySet
    rpc.answer(method, answer)
    const caller = grpcCaller(`127.0.0.1:${port}`)
    onTestFinished(() => caller.close())
    await expect(caller.call(grpcPath(method), new Uint8Array())).rejects.toThrow('a private key')
  })
})

describe('the contract', () => {
  const fieldsOf = (message: DescMessage, seen = new Set<DescMessage>()): string[] => {
    if (seen.has(message)) return []
    seen.add(message)
    return message.fields.flatMap(({ name, message: inner }) => [
      name,
      ...(inner === undefined ? [] : fieldsOf(inner, seen)),
    ])
  }

  it.each(methods.map((method) => [shortName(method), method] as const))(
    'has no field for a private key in the response of %s',
    (_, { output }) => {
      expect(fieldsOf(output).filter((name) => PRIVATE_MEMBERS.includes(name))).toEqual([])
    },
  )
})
