import { sign } from 'node:crypto'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { grpcFeed, type Verifier, type VerifierOptions } from '@auth4agent/verifier'
import { createClient } from '@connectrpc/connect'
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node'
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { ISSUER } from '../../support/deployment.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { outcomeOf } from '../../support/offline-verifier.ts'
import { newKeys } from '../../support/parties.ts'
import { expectStatus, issueToken } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { type Api, LIST, listening, startApi } from './apis.ts'
import { callTool, startMcpServer } from './mcp-server.ts'
import { runReadme } from './readme.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
let verifier: Verifier
beforeAll(async () => {
  stage = await setStage({ ownProcess: true })
  verifier = stage.newVerifier()
  await verifier.ready()
})
afterAll(async () => {
  verifier?.close()
  // This file does not test a clean stop, so it kills the server, which is faster.
  await stage?.deployment.server.kill()
  await stage?.deployment.stop()
})

async function readyVerifier(options: Partial<VerifierOptions> = {}): Promise<Verifier> {
  const own = stage.newVerifier(options)
  onTestFinished(() => own.close())
  await own.ready()
  return own
}

async function started(api: Promise<Api>): Promise<string> {
  const running = await api
  onTestFinished(() => running.close())
  return running.url
}

/**
 * Makes five calls: with a valid token, without a token, with a token of another scope, with a wrong signature, and
 * with the scheme Basic. Resolves with what each call resolves with.
 */
async function outcomes(call: (authorization: string | undefined) => Promise<unknown>): Promise<unknown[]> {
  const [good, other] = [await stage.newToken(), await stage.newToken('orders:write')]
  const tokens = [
    `Bearer ${good}`,
    undefined,
    `Bearer ${other}`,
    `Bearer ${good.slice(0, -8)}AAAAAAAA`,
    `Basic ${good}`,
  ]
  const answers: unknown[] = []
  for (const token of tokens) answers.push(await call(token))
  return answers
}

/** Writes the header `WWW-Authenticate` of an API that needs `orders:read`. `common` is part of both challenges. */
function challenge(error: string | undefined, ...common: readonly string[]): string {
  const all = ['scope="orders:read"', ...common]
  const algorithms = 'algs="EdDSA Ed25519 ES256"'
  const first = error === undefined ? all : [error, ...all]
  return `Bearer ${first.join(', ')}, DPoP ${[algorithms, ...all].join(', ')}`
}

const LACKING = 'error="insufficient_scope", error_description="The token lacks a required scope: orders:read"'
const INVALID = 'error="invalid_token", error_description="The signature of the token is not valid"'
const MALFORMED =
  'error="invalid_request", error_description="There must be one Authorization header with one token of the scheme Bearer or DPoP"'
const REFUSALS = [
  ['unauthenticated', challenge(undefined)],
  ['permission_denied', challenge(LACKING)],
  ['unauthenticated', challenge(INVALID)],
  ['invalid_argument', challenge(MALFORMED)],
]

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

it('an Express API refuses a revoked token without a request to the issuer', async () => {
  const url = await started(startApi.express(verifier))
  stage.network.asked.length = 0
  for (let round = 0; round < 20; round += 1) {
    const token = await stage.newToken()
    const statusNow = async () => (await fetch(url, bearer(token))).status
    expect(await statusNow()).toBe(200)
    expectStatus(200, await stage.deployment.client.revokeToken(token))
    const returned = performance.now()
    while ((await statusNow()) !== 401) expect(performance.now() - returned).toBeLessThan(5_000)
  }
  expect(stage.network.asked).toEqual([])
})

it('a verifier whose streams the server refuses polls the log instead, and refuses a revoked token', async () => {
  const polls: string[] = []
  const problem = JSON.stringify({ reason: 'RATE_LIMITED' })
  const own = await readyVerifier({
    async fetch(url, init) {
      const { pathname, search } = new URL(url)
      if (pathname !== '/v1/revocations') return stage.network.fetch(url, init)
      if (search === '') return new Response(problem, { status: 429, headers: { 'retry-after': '1' } })
      polls.push(search)
      return stage.network.fetch(url, init)
    },
  })
  const token = await stage.newToken()
  expect(await outcomeOf(own, token)).toBe('VALID')
  expectStatus(200, await stage.deployment.client.revokeToken(token))
  await until(
    () => outcomeOf(own, token),
    (outcome) => outcome === 'TOKEN_REVOKED',
  )
  expect(new Set(polls)).toEqual(new Set(['?until_head=true']))
})

describe.each(['express', 'fastify', 'hono', 'mcp'] as const)('protect of %s', (framework) => {
  const METADATA = 'resource_metadata="https://api.agents.example.com/.well-known/oauth-protected-resource/mcp"'
  const challenged = (error?: string) => challenge(error, ...(framework === 'mcp' ? [METADATA] : []))

  it('answers with the status and the WWW-Authenticate header of RFC 6750 section 3.1', async () => {
    const url = await started(startApi[framework](verifier))
    const good = await stage.newToken()
    const answerOf = async (headers: Record<string, string>, path = '') => {
      const answer = await fetch(url + path, { headers })
      return [answer.status, answer.headers.get('www-authenticate'), await answer.json()] as const
    }
    const passed = await answerOf({ authorization: `Bearer ${good}` })
    expect(passed.slice(0, 2)).toEqual([200, null])
    expect(JSON.stringify(passed[2])).toContain(stage.agent.did)
    expect(await answerOf({})).toMatchObject([401, challenged(), { reason: 'UNAUTHENTICATED' }])
    expect(await answerOf({}, `/?access_token=${good}`)).toMatchObject([401, challenged(), {}])
    expect(await answerOf({ authorization: `Basic ${good}` })).toMatchObject([400, challenged(MALFORMED), {}])
    const twice = `Bearer ${good}, Bearer ${good}`
    expect(await answerOf({ authorization: twice })).toMatchObject([400, challenged(MALFORMED), {}])
    const other = await stage.newToken('orders:write')
    expect(await answerOf({ authorization: `Bearer ${other}` })).toMatchObject([
      403,
      challenged(LACKING),
      { reason: 'SCOPE_MISSING', status: 403 },
    ])
    expect(await answerOf({ authorization: `bearer ${good.slice(0, -8)}AAAAAAAA` })).toMatchObject([
      401,
      challenged(INVALID),
      { reason: 'SIGNATURE_INVALID' },
    ])
  })

  it('answers 400 to a request with two Authorization headers', async () => {
    const url = new URL(await started(startApi[framework](verifier)))
    const good = await stage.newToken()
    const socket = connect(Number(url.port), url.hostname)
    const line = `Authorization: Bearer ${good}\r\n`
    socket.end(`GET / HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n${line}${line}\r\n`)
    expect(await text(socket)).toMatch(/^HTTP\/1.1 400 /)
  })

  it('answers 503 with Retry-After while the verifier cannot decide', async () => {
    const own = stage.newVerifier({ revocations: { authorization: async () => 'Bearer nonsense' } })
    const url = await started(startApi[framework](own))
    const reasonNow = async () => {
      const answer = await fetch(url, bearer(await stage.newToken()))
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
      return Object(await answer.json()).reason
    }
    expect(await reasonNow()).toBe('REVOCATIONS_STALE')
    own.close()
    expect(await reasonNow()).toBe('VERIFIER_CLOSED')
  })
})

it('protect of connect refuses missing, wrong and malformed tokens with Connect codes', async () => {
  const url = await started(startApi.connect(verifier))
  const call = async (authorization: string | undefined) => {
    const headers = { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) }
    const answer = await fetch(`${url}/auth4agent.v1.AuthnService/CreateChallenge`, {
      method: 'POST',
      body: '{}',
      headers,
    })
    const body = Object(await answer.json())
    return answer.status === 200 ? body.challenge : [body.code, answer.headers.get('www-authenticate')]
  }
  expect(await outcomes(call)).toEqual([stage.agent.did, ...REFUSALS])
})

it('protect of grpc refuses missing, wrong and malformed tokens with gRPC codes', async () => {
  const client = new Client(await started(startApi.grpc(verifier)), credentials.createInsecure())
  onTestFinished(() => client.close())
  const call = (authorization: string | undefined) => {
    const metadata = new Metadata()
    if (authorization !== undefined) metadata.set('authorization', authorization)
    return new Promise((resolve) => {
      client.makeUnaryRequest(
        LIST.path,
        LIST.requestSerialize,
        LIST.responseDeserialize,
        Buffer.alloc(0),
        metadata,
        (error, bytes) =>
          resolve(
            error === null
              ? String(bytes)
              : [status[error.code]?.toLowerCase(), error.metadata.get('www-authenticate')[0]],
          ),
      )
    })
  }
  expect(await outcomes(call)).toEqual([stage.agent.did, ...REFUSALS])
})

const refusedSoon = async (own: Verifier) => {
  const token = await stage.newToken()
  await own.verify(token)
  expectStatus(200, await stage.deployment.client.revokeToken(token))
  await until(
    () => outcomeOf(own, token),
    (outcome) => outcome === 'TOKEN_REVOKED',
  )
}

describe('a verifier', () => {
  it('follows revocations with a key of an operator, and warns once if that is a root key', async () => {
    const warned = vi.spyOn(console, 'warn').mockReturnValue(undefined)
    onTestFinished(() => warned.mockRestore())
    const { id, signer } = await stage.newOperator('verifiers.example.com')
    const looks = () => stage.network.asked.filter((path) => path === `/v1/operators/${id}/keys`).length
    await refusedSoon(await readyVerifier({ revocations: await stage.newWatcher(id, signer) }))
    await eventually(() => expect(looks()).toBe(1))
    await refusedSoon(await readyVerifier({ revocations: { operatorId: id, key: signer } }))
    await eventually(() => expect(warned).toHaveBeenCalled())
    const sentence = `: The key ${signerKid(signer)} in revocations is a root key of the operator ${id}, `
    expect(warned.mock.calls).toEqual([[expect.stringContaining(sentence)]])
    expect(looks()).toBe(2)
  })

  it.each(['gRPC', 'Connect'] as const)('receives revocations over %s, with a generated client', async (protocol) => {
    const { server } = stage.deployment
    const transport =
      protocol === 'gRPC'
        ? createGrpcTransport({ baseUrl: `http://${server.grpcAddress}` })
        : createConnectTransport({ baseUrl: server.baseUrl, httpVersion: '1.1' })
    const authorize = async () => stage.operator.assert('auth4agent.v1.RevocationService/WatchRevocations')
    await refusedSoon(
      await readyVerifier({ revocations: grpcFeed(createClient(RevocationService, transport), authorize) }),
    )
  })
})

it("a stale verifier with onStale: 'ask' asks the issuer about each token, and refuses it if there is no answer", async () => {
  const own = stage.newVerifier({ onStale: 'ask', revocations: { authorization: async () => 'Bearer nonsense' } })
  onTestFinished(() => own.close())
  const token = await stage.newToken()
  expect(await outcomeOf(own, token)).toBe('VALID')
  expectStatus(200, await stage.deployment.client.revokeToken(token))
  expect(await outcomeOf(own, token)).toBe('TOKEN_REVOKED')
  stage.network.cut('/v1/verify')
  expect(await outcomeOf(own, await stage.newToken())).toBe('REVOCATIONS_STALE')
  stage.network.cut()
})

it('a bound token is accepted with a proof, also while a stale verifier asks the issuer, which accepts it once', async () => {
  const url = 'https://api.agents.example.com/orders'
  const { token, prove } = await stage.newBoundToken()
  const presented = () => ({ dpop: { proof: prove(url), method: 'GET', url: `${url}?page=2` } })
  expect(await outcomeOf(verifier, token)).toBe('PROOF_REQUIRED')
  expect(await outcomeOf(verifier, token, presented())).toBe('VALID')
  const newStale = () => {
    const own = stage.newVerifier({ onStale: 'ask', revocations: { authorization: async () => 'Bearer nonsense' } })
    onTestFinished(() => own.close())
    return own
  }
  const wanted = presented()
  expect(await outcomeOf(newStale(), token, wanted)).toBe('VALID')
  expect(await outcomeOf(newStale(), token, wanted)).toBe('PROOF_REPLAYED')
  expectStatus(200, await stage.deployment.client.revokeToken(token))
  expect(await outcomeOf(newStale(), token, presented())).toBe('TOKEN_REVOKED')
})

describe('an MCP server', () => {
  it('gives its tools the claims of the token that a client of the MCP SDK sends, and refuses another scope', async () => {
    const url = await started(startMcpServer(verifier))
    expect(await callTool(url, await stage.newToken())).toBe(stage.agent.did)
    await expect(callTool(url, await stage.newToken('orders:write'))).rejects.toThrow()
  })

  it('serves its metadata of RFC 9728, which names the issuer as authorization server', async () => {
    const url = await started(startMcpServer(verifier))
    const paths = ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource']
    for (const path of paths) {
      const answer = await fetch(url + path)
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
      expect(await answer.json()).toEqual({
        resource: 'https://api.agents.example.com/mcp',
        authorization_servers: [ISSUER],
        scopes_supported: ['orders:read'],
        bearer_methods_supported: ['header'],
        dpop_signing_alg_values_supported: ['EdDSA', 'Ed25519', 'ES256'],
        resource_name: 'Orders',
      })
    }
  })
})

it('a verifier refuses revoked tokens during an outage of the issuer, and learns later revocations after it', async () => {
  const own = await readyVerifier({ maxStaleness: 2 })
  const [before, meanwhile] = [await stage.newToken(), await stage.newToken()]
  const { client, server } = stage.deployment
  expectStatus(200, await client.revokeToken(before))
  await until(
    () => outcomeOf(own, before),
    (outcome) => outcome === 'TOKEN_REVOKED',
  )
  await own.verify(meanwhile)
  stage.network.cut('/')
  await server.kill()
  await until(
    () => outcomeOf(own, meanwhile),
    (outcome) => outcome === 'REVOCATIONS_STALE',
  )
  expect(await outcomeOf(own, before)).toBe('TOKEN_REVOKED')
  await server.restart()
  expectStatus(200, await client.revokeToken(meanwhile))
  expect(await outcomeOf(own, meanwhile)).toBe('REVOCATIONS_STALE')
  stage.network.cut()
  await until(
    () => outcomeOf(own, meanwhile),
    (outcome) => outcome === 'TOKEN_REVOKED',
  )
  expect(await outcomeOf(own, before)).toBe('TOKEN_REVOKED')
  expect(await outcomeOf(own, await stage.newToken())).toBe('VALID')
})

describe('Verifier.ready', () => {
  it('rejects with ACCESS_REFUSED when the server refuses its key, and resolves with the right key', async () => {
    const warned = vi.spyOn(console, 'warn').mockReturnValue(undefined)
    onTestFinished(() => warned.mockRestore())
    const { id, signer } = await stage.newOperator('wrong-key.example.com')
    const { publicKey, privateKey } = newKeys()
    const stranger = { publicKey, sign: async (message: Uint8Array) => sign(null, message, privateKey) }
    const own = stage.newVerifier({ revocations: { operatorId: id, key: stranger } })
    onTestFinished(() => own.close())
    await expect(own.ready()).rejects.toMatchObject({ name: 'SetupError', reason: 'ACCESS_REFUSED' })
    expect(warned.mock.calls).toEqual([[expect.stringMatching(/revocation log cannot be followed: .* with 401 /)]])
    await readyVerifier({ revocations: { operatorId: id, key: signer } })
  })

  it('warns once while the connection is refused, and resolves when the issuer is up', async () => {
    const warned = vi.spyOn(console, 'warn').mockReturnValue(undefined)
    onTestFinished(() => warned.mockRestore())
    const port = await freePort()
    const issuer = `http://127.0.0.1:${port}`
    const own = stage.newVerifier({ issuer, revocations: 'none', fetch: globalThis.fetch })
    onTestFinished(() => own.close())
    await expect(own.ready({ timeout: 0.2 })).rejects.toMatchObject({ reason: 'TIMED_OUT' })
    await eventually(() => expect(warned).toHaveBeenCalledTimes(1))
    expect(warned.mock.lastCall?.[0]).toContain(`ECONNREFUSED 127.0.0.1:${port} (the verifier keeps trying)`)
    const ready = own.ready()
    const server = createServer((request, response) =>
      response.end(JSON.stringify(request.url === '/.well-known/jwks.json' ? { keys: [] } : { issuer })),
    )
    server.listen(port, '127.0.0.1')
    onTestFinished(() => server.close().closeAllConnections())
    await ready
  })
})

it("the verifier's README has code blocks that start a protected API with metrics", async () => {
  const { id, signer } = await stage.newOperator('readers.example.com')
  const { token } = await issueToken(stage.deployment.client, stage.agent, {
    scope: 'orders:read',
    audience: 'https://api.example.com',
  })
  // The partner's issuer in the README does not exist.
  vi.stubGlobal('fetch', async (url: string, init?: RequestInit) => {
    if (!url.startsWith(ISSUER)) throw new TypeError(`${url} cannot be reached`)
    return stage.network.fetch(url, init)
  })
  const warned = vi.spyOn(console, 'warn').mockReturnValue(undefined)
  onTestFinished(() => warned.mockRestore())
  const lines: unknown[][] = []
  const print = { log: (...line: unknown[]) => lines.push(line) }
  const { key } = await stage.newWatcher(id, signer)
  const given = { issuer: ISSUER, operatorId: id, token, console: print }
  const names = await runReadme(given, key).finally(() => vi.unstubAllGlobals())
  const { app, verifier: own, shared, federated, listed } = names
  if (typeof app !== 'function') throw new Error('The README must define `app`')
  const verifiers = [own, shared, federated, listed]
  onTestFinished(() => verifiers.forEach((each) => void Reflect.apply(Object(each).close, each, [])))
  const url = await started(listening(createServer((request, response) => app(request, response))))
  const statusOf = async () => (await fetch(`${url}/orders`, bearer(String(token)))).status
  await until(statusOf, (status) => status === 200)
  expect((await fetch(`${url}/orders`)).status).toBe(401)
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('auth4agent_verifier_staleness_seconds')
  // The key of the examples is no root key. The partner's issuer, whose failures are other problems, does not exist.
  expect(warned.mock.calls.flat().filter((line) => String(line).includes('root key'))).toEqual([])
  // The first example does not wait until the verifier is ready.
  expect(lines).toEqual([expect.anything(), [ISSUER, 'orders:read']])
})

// This must be the last test, because no agent gets a token after it.
it('a verifier refuses a token of a compromised key, even while it cannot fetch the JWKS', async () => {
  const own = await readyVerifier()
  const token = await stage.newToken()
  await own.verify(token)
  stage.network.cut('/.well-known')
  const [header = ''] = token.split('.')
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString())
  const { client, admin } = stage.deployment
  const body = { reason: 'found in a log', force: true }
  expectStatus(200, await client.signed('POST', `/v1/keys/${kid}/compromise`, body, admin))
  await until(
    () => outcomeOf(own, token),
    (outcome) => outcome === 'UNKNOWN_KEY',
  )
  stage.network.cut()
})
