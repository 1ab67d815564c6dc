import { inflateSync } from 'node:zlib'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { ISSUER } from '../support/deployment.ts'
import { statusListCases } from './cases/status-lists.ts'
import { sendHttp } from './support/http.ts'
import { expectNoErrorLines, runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()
const path = () => `/v1/status-lists/${world().statusListId}`
const get = (target: string, headers: Record<string, string> = {}) =>
  sendHttp(world().server.baseUrl, { verb: 'GET', path: target, headers })

describe('rules of StatusListService', () => runCases(world, statusListCases))

describe('a status list over HTTP', () => {
  it.each(['*/*', 'application/statuslist+jwt', 'application/json', 'text/html'])(
    'is a JWT with its media type, when the caller accepts %s',
    async (accept) => {
      const { status, headers, text } = await get(path(), { accept })
      expect([status, headers['content-type']]).toEqual([200, 'application/statuslist+jwt'])
      expect(text.split('.')).toHaveLength(3)
    },
  )

  it('is verified by jose with the published keys, and says for how long it is valid', async () => {
    const { text, headers } = await get(path())
    const keys = createRemoteJWKSet(new URL(`${world().server.baseUrl}/.well-known/jwks.json`))
    const { payload, protectedHeader } = await jwtVerify(text, keys, { issuer: ISSUER, typ: 'statuslist+jwt' })
    expect(Object.keys(protectedHeader).toSorted()).toEqual(['alg', 'kid', 'typ'])
    const { iat = 0, exp = 0, status_list: list, ...claims } = payload
    expect(claims).toEqual({ iss: ISSUER, sub: `${ISSUER}${path()}`, ttl: 60 })
    expect(exp - iat).toBe(60)
    const { lst, ...others } = Object(list)
    expect(others).toEqual({ bits: 2, aggregation_uri: `${ISSUER}/v1/status-lists` })
    expect(inflateSync(Buffer.from(lst, 'base64url'))).toEqual(Buffer.alloc(262_144))
    expect(Number(/^public, max-age=(\d+)$/.exec(String(headers['cache-control']))?.[1])).toBeLessThanOrEqual(30)
  })

  it('is the same for all for half of its ttl, and 304 for a caller that has it', async () => {
    const [first, second] = [await get(path()), await get(path())]
    expect(second.text).toBe(first.text)
    const etag = String(first.headers['etag'])
    const again = await get(path(), { 'if-none-match': etag })
    expect([again.status, again.text, again.headers['etag']]).toEqual([304, '', etag])
    expect(again.headers['cache-control']).toMatch(/^public, max-age=\d+$/)
    expect((await get(path(), { 'if-none-match': '"other"' })).status).toBe(200)
  })

  it('may be read by scripts of any origin, and so may the list of lists', async () => {
    for (const target of [path(), '/v1/status-lists']) {
      const { headers } = await get(target, { origin: 'https://browser.example' })
      expect(headers['access-control-allow-origin']).toBe('*')
    }
  })

  it('is refused with 501 for a time in the past, and no cache keeps the refusal', async () => {
    const { status, headers, text } = await get(`${path()}?time=1686925000`)
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      501,
      'application/problem+json',
      'no-store',
    ])
    expect(JSON.parse(text)).toMatchObject({ reason: 'STATUS_HISTORY_UNAVAILABLE' })
  })
})

describe('the list of status lists', () => {
  it('is where the metadata says, and names each list as its tokens do', async () => {
    const metadata = JSON.parse((await get('/.well-known/oauth-authorization-server')).text)
    expect(metadata.status_list_aggregation_endpoint).toBe(`${ISSUER}/v1/status-lists`)
    const { status, headers, text } = await get('/v1/status-lists')
    expect([status, headers['content-type']]).toEqual([200, 'application/json'])
    expect(JSON.parse(text)).toEqual({ status_lists: [`${ISSUER}${path()}`] })
  })

  it('does not name a list whose tokens have expired, which still answers until it is removed', async () => {
    const { db, statusListId } = world()
    const end = (sign: string) =>
      db.pool.query(`UPDATE status_lists SET ends_at = now() ${sign} interval '1 day' WHERE id = $1`, [statusListId])
    await end('-')
    expect(JSON.parse((await get('/v1/status-lists')).text)).toEqual({ status_lists: [] })
    expect((await get(path())).status).toBe(200)
    await end('+')
  })
})

expectNoErrorLines(world)
