import { describe, expect, it } from 'vitest'
import { documentOf } from '../../../test/support/clients.ts'
import { silentLog } from '../../../test/support/database.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { limitKeys } from '../../platform/limits/limit-keys.ts'
import { scaleWorkRates } from '../../platform/limits/rates.ts'
import { OutboundError } from '../../platform/outbound/outbound-error.ts'
import { createClientDocuments } from './documents.ts'

const CLIENT = 'https://client.example/client.json'
const numbered = (n: number) => `https://client${n}.example/client.json`

/** Copies of documents whose clock only the test moves. */
function setUp(maxAgeS?: number, limitDocuments: (source: string) => void = () => undefined) {
  const asked: string[] = []
  const clock = { now: 1_000 }
  const server = { name: 'First', fails: false, wait: Promise.resolve() }
  const documents = createClientDocuments({
    outbound: {
      async get(url) {
        asked.push(url)
        await server.wait
        if (server.fails) throw new OutboundError('TIMEOUT', 'late')
        const body = Buffer.from(JSON.stringify(documentOf(url, { client_name: server.name })))
        return { mediaType: 'application/json', body, maxAgeS, date: undefined }
      },
    },
    log: silentLog,
    monotonic: () => clock.now,
    limitDocuments,
  })
  const nameOf = async (clientId = CLIENT) => (await documents.find(clientId, 'source')).name
  return { documents, asked, clock, server, nameOf }
}

describe('find', () => {
  it.each([
    ['60 seconds for a shorter max-age', 1, 60],
    ['60 seconds for no-store', 0, 60],
    ['5 minutes without a max-age', undefined, 300],
    ['the max-age', 3_600, 3_600],
    ['24 hours for a longer max-age', 10_000_000, 86_400],
  ])('uses a copy for %s', async (_, maxAgeS, freshS) => {
    const { asked, clock, server, nameOf } = setUp(maxAgeS)
    await nameOf()
    server.name = 'Second'
    clock.now += freshS * 1000 - 1
    expect(await nameOf()).toBe('First')
    clock.now += 1
    expect(await nameOf()).toBe('Second')
    expect(asked).toHaveLength(2)
  })

  it('keeps no failure, and uses no old copy because of one', async () => {
    const { clock, server, nameOf } = setUp()
    server.fails = true
    expect(await refusalOf(nameOf())).toBe('UNAVAILABLE')
    server.fails = false
    expect(await nameOf()).toBe('First')
    clock.now += 86_400_000
    server.fails = true
    expect(await refusalOf(nameOf())).toBe('UNAVAILABLE')
  })

  it('keeps 1,000 copies', async () => {
    const { asked, nameOf } = setUp()
    for (let n = 0; n <= 1_000; n += 1) await nameOf(numbered(n))
    await nameOf(numbered(1))
    expect(asked).toHaveLength(1_001)
    await nameOf(numbered(0))
    expect(asked).toHaveLength(1_002)
  })

  it('has one fetch of a URL under way, however many ask', async () => {
    const { asked, server, nameOf } = setUp()
    const { promise, resolve } = Promise.withResolvers<void>()
    server.wait = promise
    const calls = Array.from({ length: 100 }, () => nameOf())
    await new Promise((done) => setImmediate(done))
    calls.push(...Array.from({ length: 100 }, () => nameOf()))
    await new Promise((done) => setImmediate(done))
    expect(asked).toEqual([CLIENT])
    resolve()
    await Promise.all(calls)
    // Who came during the fetch shares the next one.
    expect(asked).toHaveLength(2)
  })

  it('lets a source make the server fetch 20 documents at once, and counts no copy', async () => {
    const { documents, asked } = setUp(undefined, limitKeys('read', scaleWorkRates(1).documents))
    for (let n = 0; n < 20; n += 1) await documents.find(numbered(n), 'one')
    expect(await refusalOf(documents.find(numbered(20), 'one'))).toBe('RATE_LIMITED')
    expect(asked).toHaveLength(20)
    for (let n = 0; n < 20; n += 1) await documents.find(numbered(n), 'one')
    expect(await refusalOf(documents.find(numbered(20), 'other'))).toBeUndefined()
  })
})

describe('fetch', () => {
  it('fetches a document of which there is a copy, and keeps the newer one', async () => {
    const { documents, server, nameOf } = setUp()
    await nameOf()
    server.name = 'Second'
    expect((await documents.fetch(CLIENT, 'operator')).name).toBe('Second')
    expect(await nameOf()).toBe('Second')
  })
})
