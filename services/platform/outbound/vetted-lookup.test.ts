import type { LookupAddress } from 'node:dns'
import { describe, expect, it } from 'vitest'
import { createVetAddress } from './vet-address.ts'
import { createVettedLookup, type Resolve } from './vetted-lookup.ts'

const PUBLIC = { address: '8.8.8.8', family: 4 }
const PUBLIC_6 = { address: '2606:4700::1111', family: 6 }
const PRIVATE = { address: '10.0.0.1', family: 4 }
const MAPPED = { address: '::ffff:127.0.0.1', family: 6 }

/** Looks a name up as a socket does. Returns the addresses, or the error. */
function lookUp(hostname: string, resolve: Resolve, { testDomains = false, allow = [] as string[] } = {}) {
  const lookup = createVettedLookup({ resolve, vetAddress: createVetAddress(allow), testDomains })
  return new Promise<unknown>((done) => {
    lookup(hostname, { all: true }, (error, addresses) => done(error ?? addresses))
  })
}

const answering =
  (...addresses: LookupAddress[]): Resolve =>
  () =>
    Promise.resolve(addresses)
const failing: Resolve = () => Promise.reject(new Error('queryA ENOTFOUND'))
const refused = (address: string) =>
  expect.objectContaining({
    why: 'ADDRESS_REFUSED',
    message: `auth.example has the address ${address}, which is not public and which AUTH4AGENT_OUTBOUND_ALLOW does not list`,
  })

describe('createVettedLookup', () => {
  it.each([
    ['returns all public addresses', [PUBLIC, PUBLIC_6], [PUBLIC, PUBLIC_6]],
    ['refuses a private address', [PRIVATE], refused('10.0.0.1')],
    ['refuses all addresses if the last one is private', [PUBLIC, PUBLIC_6, PRIVATE], refused('10.0.0.1')],
    ['refuses all addresses if the first one is private', [PRIVATE, PUBLIC], refused('10.0.0.1')],
    ['refuses all addresses if one is mapped from IPv4', [PUBLIC, MAPPED], refused('::ffff:127.0.0.1')],
    ['fails if there is no address', [], expect.objectContaining({ why: 'UNREACHABLE' })],
  ])('%s', async (_name, addresses, expected) => {
    expect(await lookUp('auth.example', answering(...addresses))).toEqual(expected)
  })

  it('returns a private address that the list allows', async () => {
    expect(await lookUp('auth.example', answering(PRIVATE), { allow: ['10.0.0.1'] })).toEqual([PRIVATE])
  })

  it('passes the error of DNS on', async () => {
    expect(await lookUp('auth.example', failing)).toEqual(new Error('queryA ENOTFOUND'))
  })

  it.each(['localhost', 'auth.alpha.test'])(
    'takes %s for this machine with test domains, without DNS',
    async (name) => {
      expect(await lookUp(name, failing, { testDomains: true })).toEqual([{ address: '127.0.0.1', family: 4 }])
    },
  )

  it.each([
    ['localhost without test domains', 'localhost', false],
    ['a name under .test without test domains', 'auth.alpha.test', false],
    ['another name with test domains', 'auth.example', true],
  ])('asks DNS for %s', async (_name, hostname, testDomains) => {
    expect(await lookUp(hostname, answering(PUBLIC), { testDomains })).toEqual([PUBLIC])
  })
})
