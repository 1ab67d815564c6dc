import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createHostResolver } from './resolve-host.ts'

const [A, AAAA] = [1, 28]
const ADDRESSES: Readonly<Record<number, Buffer>> = {
  [A]: Buffer.of(192, 0, 2, 7),
  [AAAA]: Buffer.from('20010db8000000000000000000000007', 'hex'),
}

/** Starts a name server that answers these types with one address, others with none, and nothing if it is silent. */
async function startServer(types: readonly number[], isSilent = false): Promise<string> {
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  socket.on('message', (query, { port, address }) => {
    if (isSilent) return
    const type = query.readUInt16BE(query.indexOf(0, 12) + 1)
    const data = types.includes(type) ? ADDRESSES[type] : undefined
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(0x81_80, 2)
    header.writeUInt16BE(data === undefined ? 0 : 1, 6)
    header.writeUInt32BE(0, 8)
    const question = query.subarray(12, query.indexOf(0, 12) + 5)
    const fixed = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data?.length ?? 0])
    const answer = data === undefined ? [] : [fixed, data]
    socket.send(Buffer.concat([header, question, ...answer]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return `127.0.0.1:${socket.address().port}`
}

describe('createHostResolver', () => {
  it.each([
    ['both kinds of addresses', [A, AAAA], ['192.0.2.7', '2001:db8::7']],
    ['IPv4 alone', [A], ['192.0.2.7']],
    ['IPv6 alone', [AAAA], ['2001:db8::7']],
  ])('finds %s', async (_name, types, expected) => {
    const resolve = createHostResolver({ servers: [await startServer(types)] })
    expect((await resolve('events.example.com')).map(({ address }) => address)).toEqual(expected)
  })

  it('fails if the name has no address', async () => {
    const resolve = createHostResolver({ servers: [await startServer([])] })
    await expect(resolve('events.example.com')).rejects.toMatchObject({ code: 'ENODATA' })
  })

  it('does not delay other names while a server does not answer', async () => {
    const silent = createHostResolver({ servers: [await startServer([], true)], timeoutMs: 500 })
    let answered = 0
    const names = Array.from({ length: 32 }, (_, n) => silent(`n${n}.example.com`).finally(() => (answered += 1)))
    const settled = Promise.allSettled(names)
    const other = createHostResolver({ servers: [await startServer([A])] })
    expect(await other('events.example.com')).toHaveLength(1)
    expect(answered).toBe(0)
    for (const name of await settled) expect(name).toMatchObject({ status: 'rejected', reason: { code: 'ETIMEOUT' } })
  })
})
