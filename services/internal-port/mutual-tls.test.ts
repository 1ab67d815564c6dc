import { connect as connectTls } from 'node:tls'
import { create } from '@bufbuild/protobuf'
import { type ServiceError, status } from '@grpc/grpc-js'
import { service as health } from 'grpc-health-check'
import { describe, expect, it } from 'vitest'
import { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { GetAgentRequestSchema, IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { CAUSE } from '../../test/support/cause.ts'
import { type Authority, type Certified, createAuthority } from '../../test/support/certificate-authority.ts'
import { connectTo, startInternalListener, testCertificate } from '../../test/support/internal-listener.ts'
import { until } from '../../test/support/until.ts'
import { methodName } from '../calls/method-name.ts'
import type { ServiceName } from '../configuration/service-names.ts'

const authority = createAuthority()
const stranger = createAuthority('another authority')
const META = { requestId: 'r', source: '192.0.2.1', authorization: undefined, rpc: 'GET /', body: undefined }
const BY_ID = { by: { case: 'id' as const, value: 'a' } }
const NAMES: readonly ServiceName[] = ['operator-registry']

async function start(names: readonly ServiceName[] = NAMES, by: Authority = authority) {
  const server = await testCertificate(by, names)
  return { server, ...(await startInternalListener({ certificates: server.certificates })) }
}

/** Connects a peer whose certificate names these services and is signed by `by`. */
async function peer(address: string, names: readonly ServiceName[], by = authority) {
  const certificate = await testCertificate(by, names, authority.ca)
  return { ...connectTo([address], certificate.certificates), certificate }
}

type Peer = Awaited<ReturnType<typeof peer>>
const lookup = ({ operators }: Peer) => operators.lookupOperator(BY_ID, CAUSE)
const audience = ({ operators }: Peer) => operators.lookupAudienceOwner({}, CAUSE)
const forward = (client: Peer) =>
  client.forward.unary(IdentityService.method.getAgent, create(GetAgentRequestSchema), META)
const same = (bytes: Buffer) => bytes

describe('the internal listener', () => {
  it.each<[ServiceName[], string, typeof forward | typeof lookup, boolean]>([
    [['identity'], 'LookupOperator', lookup, true],
    [['authn'], 'LookupOperator', lookup, true],
    [['revocation'], 'LookupOperator', lookup, true],
    [['jwks-gateway'], 'LookupOperator', lookup, false],
    [['authn'], 'LookupAudienceOwner', audience, true],
    [['identity'], 'LookupAudienceOwner', audience, false],
    [['jwks-gateway'], 'a public RPC', forward, true],
    [['authn', 'identity', 'operator-registry', 'revocation'], 'a public RPC', forward, false],
    [['authn', 'jwks-gateway'], 'a public RPC', forward, true],
  ])('checks whether a peer with the certificate of %j may call %s', async (names, _name, call, isAllowed) => {
    const { address } = await start()
    const outcome = await call(await peer(address, names)).then(
      () => 'answered',
      ({ reason, cause }: { reason: string; cause: string }) => `${reason}: ${cause}`,
    )
    if (isAllowed) expect(outcome).toBe('answered')
    // A caller of the public ports gets INTERNAL, because it did nothing wrong.
    else expect(outcome).toMatch(/^INTERNAL: gRPC status PERMISSION_DENIED: This call is not allowed for /)
  })

  it('answers PERMISSION_DENIED without ErrorInfo', async () => {
    const { address } = await start()
    const { channel } = await peer(address, ['jwks-gateway'])
    const error = await call(channel, `/${methodName(OperatorDirectoryService.method.lookupOperator)}`)
    expect(error).toMatchObject({ code: status.PERMISSION_DENIED })
    expect(error?.metadata.get('grpc-status-details-bin')).toEqual([])
  })

  it('serves health to every peer, but serves neither reflection nor unknown services', async () => {
    const { address } = await start()
    const { channel } = await peer(address, ['jwks-gateway'])
    expect(await call(channel, health.Check?.path ?? '')).toBeUndefined()
    for (const path of ['/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', '/a.B/C']) {
      expect(await call(channel, path)).toMatchObject({ code: status.UNIMPLEMENTED })
    }
  })
})

describe('mutual TLS', () => {
  it('refuses a peer with a certificate of another authority', async () => {
    const { address, seen } = await start()
    const { operators } = await peer(address, ['identity'], stranger)
    await expect(operators.lookupOperator(BY_ID, CAUSE)).rejects.toMatchObject({ reason: 'UNAVAILABLE' })
    expect(seen).toEqual([])
  })

  it('refuses a peer without a certificate or without TLS', async () => {
    const { address, seen } = await start()
    const { operators } = connectTo([address])
    await expect(operators.lookupOperator(BY_ID, CAUSE)).rejects.toMatchObject({ reason: 'UNAVAILABLE' })
    expect(await handshake(address)).not.toBe('')
    expect(seen).toEqual([])
  })

  it.each<[string, ServiceName[], Authority]>([
    ['names another service', ['identity'], authority],
    ['is from another authority', ['operator-registry'], stranger],
  ])('refuses a server whose certificate %s', async (_name, names, by) => {
    const { address, seen } = await start(names, by)
    const { operators } = await peer(address, ['identity'])
    await expect(operators.lookupOperator(BY_ID, CAUSE)).rejects.toMatchObject({ reason: 'UNAVAILABLE' })
    expect(seen).toEqual([])
  })
})

describe('certificates that are renewed on disk', () => {
  it('are used for new connections without a restart, but never if they are invalid', async () => {
    const { address, server } = await start()
    const first = await serialOf(address)
    const other = authority.certify('operator-registry')
    const broken: readonly (readonly [Partial<Certified>, RegExp])[] = [
      [{ cert: 'half a certific' }, /must be PEM/],
      [{ cert: other.cert }, /the key does not belong/],
      [authority.certify('identity'), /lack operator-registry/],
    ]
    for (const [files, problem] of broken) {
      await server.write(files)
      await until(
        async () => String(server.problems.at(-1)?.error),
        (text) => problem.test(text),
      )
      expect(await serialOf(address)).toBe(first)
    }
    await server.write(other)
    await until(
      () => serialOf(address),
      (serial) => serial !== first && serial !== '',
    )
  })

  it('change the trusted authority on both sides', async () => {
    const { address, server, seen } = await start()
    const client = await peer(address, ['identity'])
    await client.operators.lookupOperator(BY_ID, CAUSE)
    await server.write(stranger.certify('operator-registry'), stranger.ca)
    await until(
      () => handshake(address, stranger),
      (problem) => problem === '',
    )
    const late = await peer(address, ['identity'])
    await expect(late.operators.lookupOperator(BY_ID, CAUSE)).rejects.toMatchObject({ reason: 'UNAVAILABLE' })
    await late.certificate.write(stranger.certify('identity'), stranger.ca)
    const outcome = () =>
      late.operators.lookupOperator(BY_ID, CAUSE).then(
        () => 'answered',
        ({ reason }: { reason: string }) => reason,
      )
    await until(outcome, (text) => text === 'answered')
    expect(seen).toHaveLength(2)
  })
})

/** Calls with an empty message. Resolves with the error, or with undefined if the call succeeds. */
function call(channel: ReturnType<typeof connectTo>['channel'], path: string): Promise<ServiceError | undefined> {
  const { promise, resolve } = Promise.withResolvers<ServiceError | undefined>()
  const deadline = Date.now() + 5_000
  channel
    .take()
    .client.makeUnaryRequest(
      path,
      same,
      same,
      Buffer.alloc(0),
      { deadline } as never,
      ((error: ServiceError | null) => resolve(error ?? undefined)) as never,
    )
  return promise
}

interface Greeting {
  readonly serial: string
  readonly problem: string
}

/**
 * Does a TLS handshake with a certificate of the authority, or without one, and waits for the first bytes of the
 * server.
 */
function greet(address: string, by?: Authority): Promise<Greeting> {
  const [host, port] = address.split(':')
  const { promise, resolve } = Promise.withResolvers<Greeting>()
  const certified = by === undefined ? {} : by.certify('identity')
  const socket = connectTls({
    host,
    port: Number(port),
    ...certified,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
  })
  let serial = ''
  const end = (problem: string) => resolve({ serial, problem })
  socket.once('secureConnect', () => {
    serial = socket.getPeerCertificate().serialNumber
  })
  // With TLS 1.3, a client learns only when it reads that the server has refused it.
  socket.once('data', () => end(''))
  socket.once('error', ({ message }) => end(message))
  socket.once('close', () => end('closed'))
  return promise.finally(() => socket.destroy())
}

const serialOf = async (address: string) => (await greet(address, authority)).serial
const handshake = async (address: string, by?: Authority) => (await greet(address, by)).problem
