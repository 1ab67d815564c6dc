import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DnsServer, startDnsServer } from '../../../test/support/dns-server.ts'
import { createTxtResolvers } from './resolve-txt.ts'

const NAME = '_auth4agents.agents.example.com'
let first: DnsServer
let second: DnsServer

beforeAll(async () => {
  first = await startDnsServer()
  second = await startDnsServer()
})
afterAll(async () => {
  await first.close()
  await second.close()
})

function ask(name = NAME) {
  return createTxtResolvers({ servers: [first.address, second.address], timeoutMs: 400 })(name)
}

test('resolveTxt asks every server and joins the strings of one record', async () => {
  first.setTxt(NAME, [['v=a4a1; ', 'iss=x'], 'other'])
  second.setTxt(NAME, [])
  expect(await ask()).toEqual([{ kind: 'records', records: ['v=a4a1; iss=x', 'other'] }, { kind: 'absent' }])
})

test('resolveTxt reads a record that is longer than one string', async () => {
  const long = `v=a4a1; iss=https://${'a'.repeat(300)}.example.com`
  first.setTxt(NAME, [long])
  expect((await ask())[0]).toEqual({ kind: 'records', records: [long] })
})

test('resolveTxt reports NXDOMAIN as absent and SERVFAIL as failed', async () => {
  first.clear(NAME)
  second.fail(NAME, 'SERVFAIL')
  expect(await ask()).toEqual([{ kind: 'absent' }, { kind: 'failed', why: 'ESERVFAIL' }])
})

test('resolveTxt reports REFUSED as failed', async () => {
  first.fail(NAME, 'REFUSED')
  expect((await ask())[0]).toEqual({ kind: 'failed', why: 'EREFUSED' })
})

test('resolveTxt reports a silent server as failed within the timeout and still returns the answer of the other', async () => {
  first.silence(NAME)
  second.setTxt(NAME, ['here'])
  const began = performance.now()
  const [silent, speaking] = await ask()
  expect(silent).toMatchObject({ kind: 'failed' })
  expect(speaking).toEqual({ kind: 'records', records: ['here'] })
  expect(performance.now() - began).toBeLessThan(10_000)
})

test('resolveTxt caches no answer, so it sees a change at once', async () => {
  const resolve = createTxtResolvers({ servers: [second.address], timeoutMs: 400 })
  second.setTxt(NAME, ['old'])
  expect(await resolve(NAME)).toEqual([{ kind: 'records', records: ['old'] }])
  second.setTxt(NAME, ['new'])
  expect(await resolve(NAME)).toEqual([{ kind: 'records', records: ['new'] }])
})

test('createTxtResolvers throws when a server is a host name instead of an IP address', () => {
  expect(() => createTxtResolvers({ servers: ['dns.example.com:53'], timeoutMs: 400 })).toThrow(/Invalid IP address/)
})
