import type { LookupAddress } from 'node:dns'
import { setDefaultAutoSelectFamily } from 'node:net'
import tls from 'node:tls'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { certificate } from '../../../test/support/certificate.ts'
import { createAuthority } from '../../../test/support/certificate-authority.ts'
import { json, openOutbound, startOutside } from '../../../test/support/outside-server.ts'

const authority = createAuthority()
const LOOPBACK: LookupAddress = { address: '127.0.0.1', family: 4 }
const PUBLIC: LookupAddress = { address: '8.8.8.8', family: 4 }
const JSON_TYPE = { accept: ['application/json'] }
const trusted = tls.getCACertificates('default')

// What NODE_EXTRA_CA_CERTS does at the start of a process.
tls.setDefaultCACertificates([...trusted, authority.ca])

afterEach(() => {
  vi.unstubAllEnvs()
})

/** Creates an Outbound that may connect to loopback, and to which DNS gives one answer after the other. */
function openResolving(...answers: readonly (readonly LookupAddress[])[]) {
  const asked: string[] = []
  const resolve = (hostname: string) => Promise.resolve(answers[asked.push(hostname) - 1] ?? answers.at(-1) ?? [])
  return { ...openOutbound({ allow: ['127.0.0.1'], testDomains: false, resolve }), asked }
}

describe('get over https', () => {
  it('connects to an address that the list allows, and checks the certificate', async () => {
    const { port } = await startOutside(json([1]), authority.certify('auth.example'))
    const { outbound } = openResolving([LOOPBACK])
    const { body } = await outbound.get(`https://auth.example:${port}/`, JSON_TYPE)
    expect(Buffer.from(body).toString()).toBe('[1]')
  })

  it('speaks HTTP/1.1 even to a server that prefers HTTP/2', async () => {
    const both = { ...authority.certify('auth.example'), ALPNProtocols: ['h2', 'http/1.1'] }
    const { port, requests } = await startOutside(json({}), both)
    const { outbound } = openResolving([LOOPBACK])
    await outbound.get(`https://auth.example:${port}/`, JSON_TYPE)
    expect(requests[0]?.httpVersion).toBe('1.1')
  })

  it('connects in a process that has switched the choice between IPv4 and IPv6 off', async () => {
    setDefaultAutoSelectFamily(false)
    onTestFinished(() => setDefaultAutoSelectFamily(true))
    const { port } = await startOutside(json({}), authority.certify('auth.example'))
    const { outbound } = openResolving([LOOPBACK])
    await outbound.get(`https://auth.example:${port}/`, JSON_TYPE)
  })

  it.each([
    ['a certificate of another name', () => authority.certify('other.example'), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [
      'a certificate of an unknown authority',
      () => createAuthority('unknown').certify('auth.example'),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
  ])('refuses %s, even if the environment of the process allows it', async (_name, certify, code) => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const { port, requests } = await startOutside(json({}), certify())
    const { outbound } = openResolving([LOOPBACK])
    const message = `https://auth.example:${port} cannot be reached: ${code}`
    const refusal = { why: 'UNREACHABLE', message }
    await expect(outbound.get(`https://auth.example:${port}/`, JSON_TYPE)).rejects.toMatchObject(refusal)
    expect(requests).toHaveLength(0)
  })

  it('refuses TLS 1.1, even if the command line of the process allows it', async () => {
    const [version, ciphers] = [tls.DEFAULT_MIN_VERSION, tls.DEFAULT_CIPHERS]
    Object.assign(tls, { DEFAULT_MIN_VERSION: 'TLSv1.1', DEFAULT_CIPHERS: 'DEFAULT@SECLEVEL=0' })
    onTestFinished(() => void Object.assign(tls, { DEFAULT_MIN_VERSION: version, DEFAULT_CIPHERS: ciphers }))
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const
    const { port, requests } = await startOutside(json({}), { ...certificate, ...old })
    tls.setDefaultCACertificates([...trusted, certificate.cert])
    onTestFinished(() => tls.setDefaultCACertificates([...trusted, authority.ca]))
    const { outbound } = openOutbound({ testDomains: true })
    const get = outbound.get(`https://localhost:${port}/`, JSON_TYPE)
    await expect(get).rejects.toMatchObject({ why: 'UNREACHABLE', message: expect.stringContaining('PROTOCOL') })
    expect(requests).toHaveLength(0)
  })

  it.each(['localhost', 'client.demo.test'])(
    'accepts any certificate of %s, but only with test domains',
    async (host) => {
      const { port, requests } = await startOutside(json([1]), createAuthority('unknown').certify('other.example'))
      const url = `https://${host}:${port}/`
      const strict = openOutbound({ allow: ['127.0.0.1'], testDomains: false, resolve: async () => [LOOPBACK] })
      await expect(strict.outbound.get(url, JSON_TYPE)).rejects.toMatchObject({ why: 'UNREACHABLE' })
      expect(requests).toHaveLength(0)
      const { body } = await openOutbound({ testDomains: true }).outbound.get(url, JSON_TYPE)
      expect(Buffer.from(body).toString()).toBe('[1]')
    },
  )

  it('checks the certificate of every other name on a server with test domains', async () => {
    const { port, requests } = await startOutside(json([1]), createAuthority('unknown').certify('auth.example'))
    const { outbound } = openOutbound({ allow: ['127.0.0.1'], testDomains: true, resolve: async () => [LOOPBACK] })
    const get = outbound.get(`https://auth.example:${port}/`, JSON_TYPE)
    await expect(get).rejects.toMatchObject({ why: 'UNREACHABLE' })
    expect(requests).toHaveLength(0)
  })

  it('refuses http without test domains', async () => {
    const { outbound, asked } = openResolving([LOOPBACK])
    await expect(outbound.get('http://auth.example/', JSON_TYPE)).rejects.toMatchObject({ why: 'URL_REFUSED' })
    expect(asked).toEqual([])
  })
})

describe('the addresses of a host', () => {
  it.each([
    ['before it', [{ address: '10.0.0.1', family: 4 }, LOOPBACK]],
    ['after it', [LOOPBACK, { address: '10.0.0.1', family: 4 }]],
  ])('are refused altogether if a forbidden one stands %s', async (_name, addresses) => {
    const { port, connections } = await startOutside(json({}), authority.certify('auth.example'))
    const { outbound } = openResolving(addresses)
    const get = outbound.get(`https://auth.example:${port}/`, JSON_TYPE)
    await expect(get).rejects.toMatchObject({ why: 'ADDRESS_REFUSED' })
    expect(connections()).toBe(0)
  })

  it('are asked for once, and the socket connects to one of these, whatever DNS says next', async () => {
    const { port, connections } = await startOutside(json({}), authority.certify('auth.example'))
    const { outbound, asked } = openResolving([LOOPBACK], [PUBLIC], [PUBLIC])
    await outbound.get(`https://auth.example:${port}/`, JSON_TYPE)
    expect(asked).toEqual(['auth.example'])
    expect(connections()).toBe(1)
  })

  it('are vetted again for every connection', async () => {
    const { port, connections } = await startOutside(
      json({}, { connection: 'close' }),
      authority.certify('auth.example'),
    )
    const { outbound, asked } = openResolving([LOOPBACK], [{ address: '169.254.169.254', family: 4 }])
    const get = () => outbound.get(`https://auth.example:${port}/`, JSON_TYPE)
    await get()
    await expect(get()).rejects.toMatchObject({ why: 'ADDRESS_REFUSED' })
    expect(asked).toHaveLength(2)
    expect(connections()).toBe(1)
  })

  it('are vetted for a second host at the address of an open connection', async () => {
    const { port, connections } = await startOutside(json({}), authority.certify('auth.example', 'other.example'))
    const { outbound, asked } = openResolving([LOOPBACK], [{ address: '10.0.0.1', family: 4 }])
    await outbound.get(`https://auth.example:${port}/`, JSON_TYPE)
    const get = outbound.get(`https://other.example:${port}/`, JSON_TYPE)
    await expect(get).rejects.toMatchObject({ why: 'ADDRESS_REFUSED' })
    expect(asked).toEqual(['auth.example', 'other.example'])
    expect(connections()).toBe(1)
  })

  it('may be none, which is UNREACHABLE', async () => {
    const { outbound } = openResolving([])
    await expect(outbound.get('https://auth.example/', JSON_TYPE)).rejects.toMatchObject({ why: 'UNREACHABLE' })
  })
})
