import type { LookupAddress } from 'node:dns'
import type { RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { documentOf } from '../../../test/support/clients.ts'
import { silentLog } from '../../../test/support/database.ts'
import { json, openOutbound, startOutside } from '../../../test/support/outside-server.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { fetchDocument } from './fetch-document.ts'

const TYPE = { 'content-type': 'application/json' }

/** Fetches a document from a server of the test. */
async function fetchFrom(answer: (clientId: string) => RequestListener) {
  const server = await startOutside((request, response) =>
    answer(`http://${request.headers.host}${request.url}`)(request, response),
  )
  const clientId = `http://client.test:${server.port}/client.json`
  const work = fetchDocument({ ...openOutbound(), log: silentLog }, clientId)
  return { work, server, clientId }
}

/** Fetches a document whose host has addresses. Each look-up of the name gets the next ones. */
function fetchAt(...answers: readonly (readonly string[])[]) {
  let asked = 0
  const resolve = async (): Promise<LookupAddress[]> => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? []
    asked += 1
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
  const { outbound } = openOutbound({ resolve, testDomains: false })
  return fetchDocument({ outbound, log: silentLog }, 'https://client.example/client.json')
}

const NOT_NOW = 'The server of the client cannot be asked for its document now'

const noLookUp = () => Promise.reject(new Error('a name was looked up'))

/** Sends a body of 1 GB as fast as it is read. */
const huge: RequestListener = (_request, response) => {
  response.writeHead(200, { ...TYPE, 'content-length': '1000000000' })
  const more = () => {
    while (response.write(' '.repeat(10_000)));
  }
  response.on('drain', more)
  more()
}

/** Sends a byte each 50 ms, so that no wait for the next byte is long. */
const slow: RequestListener = (_request, response) => {
  response.writeHead(200, TYPE)
  const timer = setInterval(() => response.write(' '), 50)
  response.on('close', () => clearInterval(timer))
}

const saying =
  (status: number, headers: Record<string, string>, body: string | Uint8Array = ''): RequestListener =>
  (_request, response) => {
    response.writeHead(status, headers).end(body)
  }
const padded = (clientId: string, bytes: number) => {
  const text = JSON.stringify(documentOf(clientId))
  return text + ' '.repeat(bytes - text.length)
}

describe('fetchDocument', () => {
  it('fetches a document of 5,120 bytes, and how long it stays fresh', async () => {
    const { work, clientId } = await fetchFrom((url) => (request, response) => {
      expect(request.headers).not.toHaveProperty('cookie')
      response.writeHead(200, { ...TYPE, 'cache-control': 'max-age=600' }).end(padded(url, 5_120))
    })
    expect(await work).toMatchObject({ document: { clientId, name: 'Example' }, maxAgeS: 600 })
  })

  it.each<[string, string, (clientId: string) => RequestListener]>([
    ['that is not there', 'CLIENT_NOT_ACCEPTED', () => saying(404, TYPE)],
    ['behind a redirect', 'CLIENT_NOT_ACCEPTED', (url) => saying(302, { location: url })],
    ['behind a redirect that keeps the method', 'CLIENT_NOT_ACCEPTED', (url) => saying(308, { location: url })],
    ['behind a login', 'CLIENT_NOT_ACCEPTED', () => saying(401, TYPE)],
    ['with a status other than 200', 'CLIENT_NOT_ACCEPTED', (url) => saying(203, TYPE, padded(url, 1_000))],
    ['of another media type', 'CLIENT_NOT_ACCEPTED', (url) => json(documentOf(url), { 'content-type': 'text/html' })],
    ['of the type of script', 'CLIENT_NOT_ACCEPTED', (url) => json(documentOf(url), { 'content-type': 'text/json' })],
    [
      'that is compressed',
      'CLIENT_NOT_ACCEPTED',
      (url) => saying(200, { ...TYPE, 'content-encoding': 'gzip' }, gzipSync(JSON.stringify(documentOf(url)))),
    ],
    ['of 5,121 bytes', 'CLIENT_NOT_ACCEPTED', (url) => saying(200, TYPE, padded(url, 5_121))],
    ['of 1 GB', 'CLIENT_NOT_ACCEPTED', () => huge],
    ['that is no JSON', 'CLIENT_NOT_ACCEPTED', () => saying(200, TYPE, '<html>')],
    ['with another client_id', 'CLIENT_NOT_ACCEPTED', (url) => json(documentOf(`${url}?a=b`))],
    [
      'with a member twice',
      'CLIENT_NOT_ACCEPTED',
      (url) =>
        saying(200, TYPE, JSON.stringify(documentOf(url)).replace('{', '{"redirect_uris":["https://a.example/"],')),
    ],
    ['whose server fails', 'UNAVAILABLE', () => saying(503, TYPE)],
    ['whose server has no time', 'UNAVAILABLE', () => saying(429, TYPE)],
    ['whose server closes the connection', 'UNAVAILABLE', () => (request) => request.socket.destroy()],
  ])('refuses a document %s with %s, and asks once', async (_, reason, answer) => {
    const { work, server } = await fetchFrom(answer)
    expect(await refusalOf(work)).toBe(reason)
    expect(server.requests).toHaveLength(1)
  })

  it('waits 5 seconds for a document that comes byte by byte', async () => {
    const before = performance.now()
    const { work } = await fetchFrom(() => slow)
    expect(await refusalOf(work)).toBe('UNAVAILABLE')
    expect(performance.now() - before).toBeLessThan(8_000)
  })

  it.each([
    ['a private address', '10.0.0.1'],
    ['another private address', '192.168.1.1'],
    ['this computer', '127.0.0.1'],
    ['this computer in IPv6', '::1'],
    ['the addresses of a cloud', '169.254.169.254'],
    ['an address mapped into IPv6', '::ffff:10.0.0.1'],
    ['an address behind NAT64', '64:ff9b::a00:1'],
    ['an address behind 6to4', '2002:a00:1::1'],
    ['a unique local address', 'fd00::1'],
    ['the unspecified address', '0.0.0.0'],
  ])('refuses a document at %s', async (_, address) => {
    await expect(fetchAt([address])).rejects.toMatchObject({ reason: 'UNAVAILABLE', message: NOT_NOW })
  })

  it('refuses a name that has a public and a private address, and one whose first address is private', async () => {
    expect(await refusalOf(fetchAt(['93.184.215.14', '10.0.0.1']))).toBe('UNAVAILABLE')
    expect(await refusalOf(fetchAt(['10.0.0.1'], ['93.184.215.14']))).toBe('UNAVAILABLE')
  })

  it('says the same of a name in the own network, of one that leads nowhere, and of a server that fails', async () => {
    const { outbound } = openOutbound({ resolve: () => Promise.reject(new Error('ENOTFOUND')), testDomains: false })
    const works = [
      () => fetchAt(['10.0.0.1']),
      () => fetchDocument({ outbound, log: silentLog }, 'https://client.example/client.json'),
      async () => (await fetchFrom(() => saying(503, TYPE))).work,
      async () => (await fetchFrom(() => (request) => request.socket.destroy())).work,
    ]
    for (const work of works) await expect(work()).rejects.toMatchObject({ reason: 'UNAVAILABLE', message: NOT_NOW })
  })

  it.each(['https://10.0.0.1/client.json', 'https://[::1]/client.json', 'http://client.example/client.json'])(
    'refuses the URL %s before it looks up anything',
    async (url) => {
      const { outbound } = openOutbound({ resolve: noLookUp, testDomains: false })
      expect(await refusalOf(fetchDocument({ outbound, log: silentLog }, url))).toBe('CLIENT_NOT_ACCEPTED')
    },
  )
})
