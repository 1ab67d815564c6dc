import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FakeClock, fakeClock } from '../../../../test/support/sdk/clock.ts'
import type { Json } from '../../../../test/support/sdk/issuer.ts'
import {
  ALPHA,
  API,
  AT,
  absent,
  BETA,
  type TwoDeployments,
  twoDeployments,
} from '../../../../test/support/sdk/two-deployments.ts'
import { createApiFinder } from './find-deployment.ts'

const ORDERS = `${API}/orders`
const ORIGIN = new URL(API).origin
const META = `${ORIGIN}/meta`
const FOUND = { resource: API, issuers: [BETA] }
const HTML = '<!doctype html>'
const redirect = () => new Response('', { status: 302, headers: { location: `${ORIGIN}/login` } })

let world: TwoDeployments
let clock: FakeClock
let find: (url: string) => ReturnType<ReturnType<typeof createApiFinder>>

beforeEach(() => {
  world = twoDeployments()
  clock = fakeClock()
  const finder = createApiFinder({ fetch: world.fetch, runtime: clock, home: ALPHA, allowed: [BETA] })
  find = (url) => finder(url, undefined)
})
afterEach(() => {
  expect(world.sent.filter(({ authorization, method }) => authorization !== undefined || method !== 'GET')).toEqual([])
})

/** Lets the API have no metadata at a well-known path, and answer requests without a token with this header. */
const challenge = (header: string, status = 401) => {
  world.change(AT.metadataOfApi, absent)
  world.change(ORDERS, () => new Response('', { status, headers: { 'www-authenticate': header } }))
}
const naming = (url: string, status?: number) =>
  challenge(`Bearer error="invalid_token", resource_metadata="${url}"`, status)
const about =
  (resource: unknown, servers: unknown = [BETA]) =>
  () => ({ resource, authorization_servers: servers })

describe('the API of an address', () => {
  it('is found by the metadata at the path of the address, or of a path above', async () => {
    for (const url of [API, `${API}/`, ORDERS, `${API}/orders/1/lines/2?page=1#top`])
      expect(await find(url)).toEqual(FOUND)
    expect(await find(`${ORIGIN}/v2`)).toEqual({ ...FOUND, resource: `${ORIGIN}/v2` })
    world.change(`${ORIGIN}/.well-known/oauth-protected-resource`, about(ORIGIN))
    expect(await find(`${ORIGIN}/other`)).toEqual({ ...FOUND, resource: ORIGIN })
  })

  it('is read once in five minutes', async () => {
    await find(ORDERS)
    const before = world.sent.length
    clock.advance(299_999)
    await find(`${API}/other`)
    expect(world.sent).toHaveLength(before)
    clock.advance(1)
    world.change(AT.metadataOfApi, about(API, [ALPHA]))
    expect(await find(API)).toBeUndefined()
    expect(world.sent).toHaveLength(before + 1)
  })

  it('is the one with the longest path', async () => {
    const admin = { ...FOUND, resource: `${API}/admin` }
    world.change(`${AT.metadataOfApi}/admin`, about(admin.resource))
    expect(await find(`${API}/admin/users`)).toEqual(admin)
    for (const url of [ORDERS, `${API}/administrators`]) expect(await find(url)).toEqual(FOUND)
    expect(await find(`${API}/admin/keys`)).toEqual(admin)
  })

  it.each<[string, () => void]>([
    ['its metadata names the own deployment', () => world.change(AT.metadataOfApi, about(API, [BETA, ALPHA]))],
    ['its metadata names no deployment', () => world.change(AT.metadataOfApi, () => ({ resource: API }))],
    ['it has no metadata', () => world.change(AT.metadataOfApi, absent)],
    ['its metadata is forbidden', () => world.change(AT.metadataOfApi, () => new Response('', { status: 403 }))],
    ['its metadata is a redirect', () => world.change(AT.metadataOfApi, redirect)],
    ['its metadata is a page', () => world.change(AT.metadataOfApi, () => new Response(HTML))],
    ['its metadata is about a path below', () => world.change(AT.metadataOfApi, about(`${API}/admin`))],
    ['its metadata is about the path above', () => world.change(AT.metadataOfApi, about(ORIGIN))],
    ['its metadata is about no URL', () => world.change(AT.metadataOfApi, about('orders'))],
    ['its challenge names no metadata', () => challenge('Bearer error="invalid_token"')],
    ['it names metadata in an answer that is no challenge', () => naming(META, 403)],
  ])('belongs to the own deployment if %s', async (_, arrange) => {
    arrange()
    expect(await find(ORDERS)).toBeUndefined()
  })

  it.each([408, 425, 429, 500, 502, 503, 504])('is unknown while its metadata answers %i', async (status) => {
    world.change(AT.metadataOfApi, () => new Response('', { status }))
    await expect(find(ORDERS)).rejects.toMatchObject({ status })
    world.change(AT.metadataOfApi, about(API))
    expect(await find(ORDERS)).toEqual(FOUND)
  })

  it('is unknown while its server cannot be reached', async () => {
    world.change(AT.metadataOfApi, () => {
      throw new TypeError('fetch failed')
    })
    await expect(find(ORDERS)).rejects.toMatchObject({ reason: 'NETWORK_ERROR' })
  })

  it.each([429, 503])('is unknown while it answers %i to a request without a token', async (status) => {
    world.change(AT.metadataOfApi, absent)
    world.change(ORDERS, () => new Response('', { status }))
    await expect(find(ORDERS)).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })

  it.each<[string, unknown]>([
    ['of another origin', 'https://api.other.example/v1'],
    ['of another port', 'https://api.cargo.example:444/v1'],
    ['without TLS', 'http://api.cargo.example/v1'],
  ])('is refused if its metadata is about an API %s', async (_, resource) => {
    world.change(AT.metadataOfApi, about(resource, [ALPHA]))
    await expect(find(ORDERS)).rejects.toMatchObject({
      reason: 'UNEXPECTED_ANSWER',
      message: `The metadata at ${ORIGIN} is about ${String(resource)}`,
    })
  })

  it('is found although another address of its origin has no metadata', async () => {
    expect(await find(`${ORIGIN}/health`)).toBeUndefined()
    expect(await find(ORDERS)).toEqual(FOUND)
  })

  it('is asked for again only after a minute at an address that has none', async () => {
    await find(`${ORIGIN}/health`)
    const before = world.sent.length
    clock.advance(59_999)
    await find(`${ORIGIN}/health?page=2`)
    expect(world.sent).toHaveLength(before)
    clock.advance(1)
    await find(`${ORIGIN}/health`)
    expect(world.sent).toHaveLength(2 * before)
  })
})

describe('the API of an address without metadata at a well-known path', () => {
  it.each([API, ORIGIN, ORDERS])(
    'is found by the metadata that its challenge names, which is about %s',
    async (resource) => {
      naming(`${META}?of=v1`)
      world.change(META, about(resource))
      expect(await find(ORDERS)).toEqual({ resource, issuers: [BETA] })
      expect(world.sent.at(-1)?.text).toContain(`${META}?of=v1`)
    },
  )

  it('is found by a challenge although another address names no metadata', async () => {
    naming(META)
    world.change(META, about(API))
    expect(await find(`${API}/health`)).toBeUndefined()
    expect(await find(ORDERS)).toEqual(FOUND)
  })

  it.each<[string, string, () => Json | Response]>([
    ['is on another origin', 'https://meta.example/meta', about(API)],
    ['is on another port', 'https://api.cargo.example:444/meta', about(API)],
    ['is not a URL', '/meta', about(API)],
    ['is absent', META, absent],
    ['is about another path', META, about(`${ORIGIN}/v2`)],
    ['is about a path that begins alike', META, about(`${API}/order`)],
    ['is about no API', META, () => ({ authorization_servers: [BETA] })],
  ])('is refused if its challenge names metadata that %s', async (_, url, answer) => {
    naming(url)
    world.change(META, answer)
    await expect(find(ORDERS)).rejects.toMatchObject({
      reason: 'UNEXPECTED_ANSWER',
      message: `The API at ${ORDERS} names metadata that is not about it`,
    })
    expect(world.sent.filter(({ at }) => new URL(at).origin !== ORIGIN)).toEqual([])
  })

  it('is refused if its challenge names metadata about an API of another origin', async () => {
    naming(META)
    world.change(META, about('https://api.other.example/v1'))
    await expect(find(ORDERS)).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })
})
