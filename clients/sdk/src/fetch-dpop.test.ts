import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { checkDpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { createReplayMemory } from '@auth4agent/core/dpop/replay-memory'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../test/support/until.ts'
import { createDpop } from './dpop.ts'
import { authorizedFetch } from './fetch.ts'
import { generateKey } from './keys/signers.ts'

/** A request as a server received it. `proof` is what is wrong with its proof, or the nonce of a good proof. */
interface Seen {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
  readonly proof: string
  readonly body: string
}

const key = await generateKey()
const jkt = thumbprint(key.publicKey)
const GOOD = 'good, no nonce'
const NONE = 'no proof'

const servers: Server[] = []
let seen: Seen[]
let answers: ((response: ServerResponse, request: Seen) => void)[]
let replays: ReturnType<typeof createReplayMemory>
let api: string
let other: string
let tokens: number
let forgotten: string[]
let fetch: ReturnType<typeof authorizedFetch>

async function listen(): Promise<string> {
  let origin = ''
  const server = createServer((request, response) => void answer(origin, request, response))
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  origin = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : ''
  return origin
}

async function answer(origin: string, message: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of message) body += String(chunk)
  const { method = '', url = '', headers } = message
  const request = { method, url, authorization: headers.authorization, proof: judge(origin, message), body }
  seen.push(request)
  const next = answers.shift()
  if (next === undefined) response.end('done')
  else next(response, request)
}

/** Judges the proof of a request by the rules of the server, for its own origin. */
function judge(origin: string, { method = '', url = '', headers }: IncomingMessage): string {
  const { dpop, authorization = '' } = headers
  if (typeof dpop !== 'string') return NONE
  const accessToken = /^DPoP (.+)$/.exec(authorization)?.[1] ?? ''
  const proof = checkDpopProof(dpop, { method, url: origin + url, nowS: Date.now() / 1000, skewS: 0, accessToken })
  if (!proof.ok) return proof.demand
  if (proof.jkt !== jkt) return 'another key'
  return replays.use(proof.id, proof.expiresAtS) ? (proof.nonce ?? GOOD) : 'replayed'
}

const redirect = (status: number, location: string) => (response: ServerResponse) =>
  void response.writeHead(status, { location }).end()
const demand = (nonce?: string) => (response: ServerResponse) =>
  void response
    .writeHead(401, {
      'www-authenticate': 'Bearer, DPoP error="use_dpop_nonce", algs="EdDSA"',
      ...(nonce !== undefined && { 'dpop-nonce': nonce }),
    })
    .end()
const refusal = (error: string) => (response: ServerResponse) =>
  void response.writeHead(401, { 'www-authenticate': `DPoP error="${error}"` }).end()
const proofs = () => seen.map(({ proof }) => proof)
const stream = () => ({ method: 'POST', body: new Blob(['stream']).stream(), duplex: 'half' }) as const

beforeEach(async () => {
  seen = []
  answers = []
  forgotten = []
  tokens = 0
  replays = createReplayMemory()
  api = await listen()
  other = await listen()
  fetch = authorizedFetch({
    async token() {
      tokens += 1
      return `token-${tokens}`
    },
    forget: (token) => void forgotten.push(token),
    dpop: createDpop(key, Date.now),
    fetch: undefined,
  })
})
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

describe('authorizedFetch with a bound token', () => {
  it('sends the token with the scheme DPoP and a proof for the request', async () => {
    expect(await (await fetch(`${api}/a/../b%7E?c=d#e`, { method: 'POST', body: 'text' })).text()).toBe('done')
    expect(seen).toMatchObject([{ method: 'POST', authorization: 'DPoP token-1', proof: GOOD, body: 'text' }])
  })

  it("replaces the caller's own authorization and proof", async () => {
    await fetch(api, { headers: { authorization: 'Basic x', dpop: 'another' } })
    await fetch(new Request(api, { headers: { authorization: 'Basic x', dpop: 'another' } }))
    expect(seen).toMatchObject([
      { authorization: 'DPoP token-1', proof: GOOD },
      { authorization: 'DPoP token-2', proof: GOOD },
    ])
  })

  it('makes a new proof for each of many requests to one URL at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => fetch(`${api}/a`)))
    expect(new Set(proofs())).toEqual(new Set([GOOD]))
    expect(replays.size).toBe(20)
  })

  it.each(['post', 'DELETE', 'QUERY'])('names the method %s as fetch sends it', async (method) => {
    await fetch(api, { method })
    expect(seen).toMatchObject([{ method: method.toUpperCase(), proof: GOOD }])
  })
})

describe('authorizedFetch with a bound token, after a redirect', () => {
  it.each([301, 302, 303, 307, 308])('%i within the origin makes a proof for the next request', async (status) => {
    answers = [redirect(status, '/b?c=d')]
    expect(await (await fetch(`${api}/a`, { method: 'POST', body: 'text' })).text()).toBe('done')
    expect(seen).toMatchObject([
      { url: '/a', proof: GOOD },
      { url: '/b?c=d', proof: GOOD, authorization: 'DPoP token-1', method: status < 304 ? 'GET' : 'POST' },
    ])
  })

  it.each([301, 302, 303, 307, 308])(
    '%i to another origin sends neither token nor proof there, nor back at the first origin',
    async (status) => {
      answers = [redirect(status, `${other}/b`), redirect(status, `${api}/c`), redirect(status, '/d')]
      const headers = { authorization: 'Basic mine', dpop: 'mine' }
      expect(await (await fetch(`${api}/a`, { headers })).text()).toBe('done')
      expect(seen.map(({ url, authorization, proof }) => [url, authorization, proof])).toEqual([
        ['/a', 'DPoP token-1', GOOD],
        ['/b', undefined, NONE],
        ['/c', undefined, NONE],
        ['/d', undefined, NONE],
      ])
    },
  )

  it('from 127.0.0.1 to localhost sends neither token nor proof', async () => {
    answers = [redirect(307, `${api.replace('127.0.0.1', 'localhost')}/b`)]
    await fetch(`${api}/a`)
    expect(seen[1]).toMatchObject({ url: '/b', authorization: undefined, proof: NONE })
  })

  it('answers a demand for a nonce of the next request without the first request', async () => {
    answers = [redirect(307, '/b'), demand('n')]
    expect(await (await fetch(`${api}/a`, { method: 'PUT', body: 'text' })).text()).toBe('done')
    expect(seen.map(({ url, proof, body }) => [url, proof, body])).toEqual([
      ['/a', GOOD, 'text'],
      ['/b', GOOD, 'text'],
      ['/b', 'n', 'text'],
    ])
  })

  it.each([
    ['demands a nonce', demand('n')],
    ['refuses the token', refusal('invalid_token')],
  ])('does nothing if another origin %s', async (_name, wish) => {
    answers = [redirect(307, `${other}/b`), wish]
    expect((await fetch(`${api}/a`)).status).toBe(401)
    expect(seen).toHaveLength(2)
    expect(forgotten).toEqual([])
    // A nonce of a server that got no proof is not kept for it.
    await fetch(`${other}/c`)
    expect(seen[2]).toMatchObject({ url: '/c', proof: GOOD })
  })
})

describe('authorizedFetch with a bound token, at an API that demands a nonce', () => {
  it('sends the request once more with the nonce, and uses it from then on at this origin only', async () => {
    answers = [demand('n')]
    const form = new FormData()
    form.set('a', 'b')
    expect(await (await fetch(`${api}/a`, { method: 'POST', body: form })).text()).toBe('done')
    await fetch(`${api}/b`)
    await fetch(`${other}/c`)
    expect(proofs()).toEqual([GOOD, 'n', 'n', GOOD])
    expect(seen[1]?.body).toContain('name="a"')
    expect(seen.map(({ authorization }) => authorization).slice(0, 2)).toEqual(['DPoP token-1', 'DPoP token-1'])
    expect(forgotten).toEqual([])
  })

  it('uses the newest nonce that the API gave with any answer', async () => {
    answers = [(response) => void response.writeHead(204, { 'dpop-nonce': 'first' }).end(), demand('second')]
    for (const path of ['/a', '/b', '/c']) await fetch(api + path)
    expect(proofs()).toEqual([GOOD, 'first', 'second', 'second'])
  })

  it.each([
    ['demands another nonce', [demand('n'), demand('m')], 2],
    ['gives no nonce', [demand()], 1],
    ['gives a malformed nonce', [demand('a b')], 1],
    ['refuses the proof', [refusal('invalid_dpop_proof')], 1],
  ])('returns the answer if the API %s', async (_name, wishes, count) => {
    answers = wishes
    expect((await fetch(`${api}/a`)).status).toBe(401)
    expect(seen).toHaveLength(count)
  })

  it('returns the answer to a stream, and sends the nonce with the next request', async () => {
    answers = [demand('n')]
    expect((await fetch(api, stream())).status).toBe(401)
    await fetch(api, stream())
    expect(seen.map(({ proof, body }) => [proof, body])).toEqual([
      [GOOD, 'stream'],
      ['n', 'stream'],
    ])
  })

  it('also renews a token that the API refuses, and sends the request at most 4 times', async () => {
    answers = [demand('n'), refusal('invalid_token'), demand('m'), refusal('invalid_token')]
    expect((await fetch(`${api}/a`)).status).toBe(401)
    expect(proofs()).toEqual([GOOD, 'n', 'n', 'm'])
    expect(seen.map(({ authorization }) => authorization?.at(-1))).toEqual(['1', '1', '2', '2'])
    expect(forgotten).toEqual(['token-1'])
  })

  it('answers a demand with the nonce of this answer, also if another answer comes in between', async () => {
    const closing = Promise.withResolvers<void>()
    // The body of the first answer needs time to close. In this time, the second answer arrives.
    const bodies = [new ReadableStream({ cancel: () => closing.promise })]
    const slowFetch = authorizedFetch({
      token: async () => 'token-1',
      forget: () => undefined,
      dpop: createDpop(key, Date.now),
      async fetch(input, init) {
        const answered = await globalThis.fetch(input, init)
        return answered.status === 401 ? new Response(bodies.shift() ?? null, answered) : answered
      },
    })
    answers = [demand('first'), demand('second')]
    const first = slowFetch(`${api}/a`)
    await until(
      async () => bodies.length,
      (count) => count === 0,
    )
    await slowFetch(`${api}/b`)
    closing.resolve()
    await first
    expect(seen.map(({ url, proof }) => [url, proof])).toEqual([
      ['/a', GOOD],
      ['/b', 'first'],
      ['/b', 'second'],
      ['/a', 'first'],
    ])
  })
})
