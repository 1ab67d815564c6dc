import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../support/free-port.ts'
import { type ProxyWorld, startProxyWorld, strangerAt } from './proxy-world.ts'
import { untilRefused } from './until-refused.ts'
import { type Ask, type Asked, askThrough, bearer, CLIENT_HEADERS, NAMING } from './upstream.ts'

/** A proxy that asks `GET /v1/authz`. */
interface ForwardAuthProxy {
  readonly name: string
  /**
   * Starts the proxy with the files of its example, changed only in addresses. Resolves with a function to stop it.
   */
  readonly start: (world: ProxyWorld, port: number) => Promise<() => Promise<void>>
  /** The status while Auth4Agent accepts connections, but does not answer. */
  readonly silent: number
  /** The status while Auth4Agent cannot be reached. */
  readonly away: number
  /**
   * The statuses for a client's header `X-Auth4agent-…` and for `X_Auth4agent_…` and `X.Auth4agent.…`: 200 if the
   * proxy removes it.
   */
  readonly identity: { readonly hyphens: readonly number[]; readonly underscores: readonly number[] }
  /** The status for two Authorization headers. */
  readonly repeated: number
}

/** What the cases call. */
interface Ground {
  readonly world: () => ProxyWorld
  readonly ask: (headers?: Ask['headers'], more?: Ask) => Promise<Asked>
}

const URL_OF_ORDERS = 'http://api.example.com/orders'

/** Defines the tests that every proxy with forward auth passes. */
export function forwardAuthCases(proxy: ForwardAuthProxy): void {
  const started = new AsyncDisposableStack()
  let world: ProxyWorld
  let port: number
  beforeAll(async () => {
    world = await startProxyWorld()
    started.defer(() => world.stop())
    port = await freePort()
    started.defer(await proxy.start(world, port))
  })
  afterAll(() => started.disposeAsync())
  const ground: Ground = {
    world: () => world,
    ask: (headers = {}, more = {}) => askThrough(port, world.upstream, { headers, ...more }),
  }
  describe(proxy.name, () => {
    passes(ground)
    refusesTokens(ground)
    refusesRequests(ground, proxy)
    checksProofs(ground)
    refusesWhatHasEnded(ground, proxy)
  })
}

const refused = (status: number, error: string, reason: string) => ({
  status,
  challenge: expect.stringMatching(new RegExp(`^(Bearer|DPoP) .*error="${error}"`)),
  reason,
  reached: [],
})

function passes({ world, ask }: Ground): void {
  it('lets a valid token pass, and the API gets who calls, but not the token', async () => {
    const { issuer, agent, operator, token } = world()
    const answer = await ask(bearer(await token()))
    expect(answer).toMatchObject({ status: 200, challenge: '', reached: [{ method: 'GET', path: '/orders?page=1' }] })
    const headers = answer.reached[0]?.headers ?? {}
    expect(headers).toMatchObject({
      'x-auth4agent-issuer': [issuer],
      'x-auth4agent-subject': [agent.did],
      'x-auth4agent-operator': [operator.id],
      'x-auth4agent-domain': ['example.com'],
      'x-auth4agent-scope': ['orders:read'],
      'x-auth4agent-jti': [expect.any(String)],
      'x-auth4agent-expires': [expect.any(String)],
    })
    expect(headers['authorization'] ?? ['']).toEqual([''])
  })

  it('lets a POST with a body pass', async () => {
    const asked = await ask(bearer(await world().token()), { method: 'POST', body: '{"orders":1}' })
    expect(asked).toMatchObject({ status: 200, reached: [{ method: 'POST', body: '{"orders":1}' }] })
  })
}

function refusesTokens({ world, ask }: Ground): void {
  it('answers 401 to a token that is missing, malformed, expired, or of another audience or issuer', async () => {
    const { forge, token } = world()
    const now = Math.floor(Date.now() / 1000)
    const expired = { iat: now - 900, nbf: now - 900, exp: now - 300 }
    expect(await ask()).toMatchObject({ status: 401, reason: 'AUTHORIZATION_MISSING', reached: [] })
    expect(await ask(bearer(forge()))).toMatchObject({ status: 200 })
    const cases = [
      ['x', 'MALFORMED_TOKEN'],
      [forge({ claims: expired }), 'TOKEN_EXPIRED'],
      [forge({ claims: { iss: 'https://other.example.com' } }), 'WRONG_ISSUER'],
      [await token({ audience: 'https://other.example.com' }), 'AUDIENCE_MISMATCH'],
    ] as const
    for (const [text, reason] of cases) expect(await ask(bearer(text))).toEqual(refused(401, 'invalid_token', reason))
  })

  it('answers 403 to a token without the scope, and 401 to one of another operator', async () => {
    const { token } = world()
    const other = bearer(await token({ scope: 'orders:write' }))
    expect(await ask(other)).toEqual(refused(403, 'insufficient_scope', 'SCOPE_MISSING'))
    const strange = bearer(await token({}, await strangerAt(world())))
    expect(await ask(strange)).toEqual(refused(401, 'invalid_token', 'OPERATOR_NOT_TRUSTED'))
  })
}

function refusesRequests({ world, ask }: Ground, { identity, repeated }: ForwardAuthProxy): void {
  it.each(CLIENT_HEADERS)('never passes on the header %s of a client', async (header) => {
    const { status, reached } = await ask({ [header]: 'forged', ...bearer(await world().token()) })
    expect(/[_.]/.test(header) ? identity.underscores : identity.hyphens).toContain(status)
    expect(JSON.stringify(reached)).not.toContain('forged')
  })

  it.each(NAMING)('tells the API who calls also when the client sends Connection: %s', async (connection) => {
    const { agent, token } = world()
    const { reached } = await ask({ connection, ...bearer(await token()) })
    expect(reached[0]?.headers['x-auth4agent-subject']).toEqual([agent.did])
    expect(String(reached[0]?.headers['connection'])).not.toMatch(/auth4agent/i)
  })

  it('refuses two Authorization headers', async () => {
    const { token } = world()
    const authorization = [`Bearer ${await token()}`, `Bearer ${await token()}`]
    expect(await ask({ authorization })).toMatchObject({ status: repeated, reached: [] })
  })

  it('refuses a path with an encoded slash', async () => {
    const asked = await ask(bearer(await world().token()), { path: '/orders%2f..%2fadmin' })
    expect(asked).toMatchObject({ status: 403, reason: 'PATH_REFUSED', reached: [] })
  })
}

function checksProofs({ world, ask }: Ground): void {
  it('lets a bound token pass only with a proof for the method and the URL that the client called', async () => {
    const { token, proof } = await world().boundToken()
    const authorization = `DPoP ${token}`
    const dpop = proof('GET', URL_OF_ORDERS)
    const posted = { authorization, dpop: proof('POST', URL_OF_ORDERS) }
    expect(await ask({ authorization, dpop })).toMatchObject({ status: 200 })
    expect(await ask(posted, { method: 'POST' })).toMatchObject({ status: 200 })
    const cases = [{ dpop }, {}, { dpop: proof('POST', URL_OF_ORDERS) }, { dpop: proof('GET', `${URL_OF_ORDERS}/1`) }]
    for (const headers of cases) {
      expect(await ask({ authorization, ...headers })).toMatchObject({ status: 401, reached: [] })
    }
    const asBearer = { ...bearer(token), dpop: proof('GET', URL_OF_ORDERS) }
    expect(await ask(asBearer)).toMatchObject({ status: 401, reached: [] })
  })

  it('does not believe the original URL that a client sends', async () => {
    const { token, proof } = await world().boundToken()
    const elsewhere = 'http://api.example.com/elsewhere'
    const sent = { authorization: `DPoP ${token}`, dpop: proof('GET', elsewhere) }
    const originals = [
      { 'x-original-url': elsewhere, 'x-original-method': 'GET' },
      { 'x-forwarded-uri': '/elsewhere', 'x-forwarded-proto': 'http', 'x-forwarded-host': 'api.example.com' },
    ]
    const plain = bearer(await world().token())
    for (const headers of originals) {
      const { status, reached } = await ask({ ...sent, ...headers })
      expect([401, 403]).toContain(status)
      expect(reached).toEqual([])
      expect(await ask({ ...plain, ...headers })).toMatchObject({ status: 200 })
    }
  })
}

function refusesWhatHasEnded({ world, ask }: Ground, { name, silent, away }: ForwardAuthProxy): void {
  it('refuses a revoked token as soon as the revocation has returned', async () => {
    const token = await world().token()
    const asked = await untilRefused(world(), name, token, () => ask(bearer(token)))
    expect(asked).toEqual(refused(401, 'invalid_token', 'TOKEN_REVOKED'))
  })

  it('refuses every token while the server does not answer', async () => {
    const { token, stall } = world()
    const known = await token()
    stall()
    expect(await ask(bearer(known))).toMatchObject({ status: silent, reached: [] })
  })

  it('refuses every token while the server is away', async () => {
    const { token, leave } = world()
    const known = await token()
    await leave()
    expect(await ask(bearer(known))).toMatchObject({ status: away, reached: [] })
  })
}
