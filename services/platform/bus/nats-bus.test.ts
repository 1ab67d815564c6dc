import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBuses } from '../../../test/support/buses.ts'
import { certificate } from '../../../test/support/certificate.ts'
import { freePort } from '../../../test/support/free-port.ts'
import { createNatsUser } from '../../../test/support/nats-creds.ts'
import { type NatsCluster, startNats } from '../../../test/support/nats-server.ts'
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts'
import { until } from '../../../test/support/until.ts'

let nats: NatsCluster | undefined
let buses: ReturnType<typeof createBuses>
let folder: string

beforeEach(async () => {
  nats = undefined
  buses = createBuses()
  folder = await mkdtemp(join(tmpdir(), 'a4a-bus-'))
})
afterEach(async () => {
  await buses.close()
  await nats?.remove()
  await rm(folder, { recursive: true })
})

const file = (name: string) => join(folder, name)
const holds = (ask: () => boolean) => until(async () => ask(), Boolean)

/** Starts a server that accepts only TLS. */
async function secured(setting = ''): Promise<NatsCluster> {
  await writeFile(file('cert.pem'), certificate.cert)
  await writeFile(file('key.pem'), certificate.key)
  const files = ['cert', 'key'].map((name) => `${name}_file: "${file(`${name}.pem`)}"`).join(', ')
  return startNats({ config: `tls { ${files}, ca_file: "${file('cert.pem')}", ${setting} }` })
}

describe('createNatsBus', () => {
  it('delivers a message to every other process, only on its topic, and not to the sender', async () => {
    nats = await startNats()
    const [a, b, c] = [buses.start(nats.url), buses.start(nats.url), buses.start(nats.url)]
    const heard = [a.listen('x'), b.listen('x'), c.listen('x'), b.listen('y')]
    await Promise.all([a.connected(), b.connected(), c.connected()])
    a.say('x', '1')
    a.say('y', '2')
    await holds(() => heard[3]?.length === 1 && heard[2]?.length === 1)
    expect(heard).toEqual([[], ['1'], ['1'], ['2']])
    expect([a.count('published'), b.count('received'), a.count('received')]).toEqual([2, 2, 0])
  })

  it('stops delivery to a handler that unsubscribes, and continues when another handler throws', async () => {
    nats = await startNats()
    const [a, b] = [buses.start(nats.url), buses.start(nats.url)]
    await Promise.all([a.connected(), b.connected()])
    b.bus.subscribe('x', () => {
      throw new Error('broken handler')
    })
    const gone: unknown[] = []
    const stop = b.bus.subscribe('x', (payload) => gone.push(payload))
    const heard = b.listen('x')
    // Messages of one connection arrive in order, so b is subscribed once a receives a message from b.
    const echo = a.listen('ready')
    await until(
      async () => b.say('ready', ''),
      () => echo.length > 0,
    )
    a.say('x', '1')
    await holds(() => heard.length === 1)
    stop()
    b.say('ready', 'again')
    await holds(() => echo.includes('again'))
    a.say('x', '2')
    await holds(() => heard.length === 2)
    expect(gone).toHaveLength(1)
    expect(b.count('failed')).toBe(2)
    expect(b.logs()).toContain('broken handler')
  })

  it('drops and counts messages while the bus is not connected', async () => {
    const proxy = await startTcpProxy({ host: '127.0.0.1', port: 1 })
    nats = await startNats()
    const [a, b] = [buses.start(`nats://127.0.0.1:${proxy.port}`), buses.start(nats.url)]
    const heard = b.listen('x')
    await b.connected()
    a.say('x', 'lost')
    proxy.repoint({ host: '127.0.0.1', port: nats.nodes[0]?.port ?? 0 })
    await a.connected()
    a.say('x', '1')
    await holds(() => heard.length > 0)
    await proxy.cut()
    await holds(() => !a.bus.isConnected)
    a.say('x', 'lost too')
    await proxy.pass()
    await a.connected()
    a.say('x', '2')
    await holds(() => heard.length > 1)
    expect(heard).toEqual(['1', '2'])
    expect([a.count('dropped'), a.count('published')]).toEqual([2, 2])
    expect([a.count('connected'), a.count('disconnected')]).toEqual([2, 1])
    await proxy.close()
  })
})

describe('createNatsBus, login', () => {
  it('uses the login of each URL and never logs it', async () => {
    nats = await startNats({ config: 'authorization { user: "me", password: "p4ss word" }' })
    const address = `127.0.0.1:${nats.nodes[0]?.port}`
    const good = buses.start(`nats://me:p4ss%20word@${address}`)
    const bad = buses.start(`nats://me:wr0ng@${address}`)
    await good.connected()
    await until(
      async () => bad.logs().split('connection of the bus').length,
      (attempts) => attempts > 3,
    )
    expect(bad.bus.isConnected).toBe(false)
    expect(bad.logs().match(/"level":40/g)).toHaveLength(1)
    expect(bad.logs()).toContain('Authorization Violation')
    expect(good.logs() + bad.logs()).not.toMatch(/wr0ng|p4ss/)
  })

  it('reads the creds file again at each attempt', async () => {
    const user = createNatsUser()
    nats = await startNats({ config: user.config })
    await writeFile(file('creds'), createNatsUser().creds)
    const bus = buses.start(nats.url, { credsFile: file('creds') })
    await holds(() => bus.logs().includes('Authorization Violation'))
    await writeFile(file('creds'), user.creds)
    await bus.connected()
  })
})

describe('createNatsBus, TLS', () => {
  it('sends the client certificate to a server that requires one, and reads changed files without a restart', async () => {
    nats = await secured('verify: true')
    await writeFile(file('ca.pem'), '')
    const tls = { caFile: file('ca.pem'), certFile: file('cert.pem'), keyFile: file('key.pem') }
    const bus = buses.start(nats.url.replace('nats:', 'tls:'), { tls })
    await holds(() => /self-signed|unable to/.test(bus.logs()))
    await writeFile(file('ca.pem'), certificate.cert)
    await bus.connected()
  })

  it('refuses a server whose certificate does not contain its address', async () => {
    nats = await secured()
    // The same address in another notation, which the certificate does not contain.
    const url = `tls://[::ffff:127.0.0.1]:${nats.nodes[0]?.port}`
    const bus = buses.start(url, { tls: { caFile: file('cert.pem') } })
    await holds(() => bus.logs().includes('altnames'))
    expect(bus.bus.isConnected).toBe(false)
  })

  it('refuses a server without TLS when the URL is tls:// or TLS files are configured', async () => {
    nats = await startNats()
    await writeFile(file('ca.pem'), certificate.cert)
    const byScheme = buses.start(nats.url.replace('nats:', 'tls:'))
    const byFiles = buses.start(nats.url, { tls: { caFile: file('ca.pem') } })
    for (const bus of [byScheme, byFiles]) {
      await holds(() => bus.logs().includes("does not support 'tls'"))
      expect(bus.bus.isConnected).toBe(false)
    }
  })
})

describe('createNatsBus, with a server that accepts connections and stays silent', () => {
  it('keeps at most one socket open, and none after close', async () => {
    const open = new Set<Socket>()
    let attempts = 0
    const server = createServer((socket) => {
      attempts += 1
      open.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => open.delete(socket))
      socket.resume()
    }).listen(await freePort(), '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const bus = buses.start(`nats://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
    await holds(() => attempts === 2)
    expect(open.size).toBeLessThanOrEqual(1)
    await bus.bus.close()
    await holds(() => open.size === 0)
    server.close()
  })
})
