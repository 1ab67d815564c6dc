import { execFile } from 'node:child_process'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readExample } from '../../support/deploy-example.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { json, startOutside } from '../../support/outside-server.ts'
import { expectStatus } from '../../support/story.ts'
import { haproxyFolder, startHaproxy } from './haproxy.ts'
import { API, type ProxyWorld, startProxyWorld, strangerAt, type TokenEdits } from './proxy-world.ts'
import { type Ask, askThrough, bearer, CLIENT_HEADERS, NAMING } from './upstream.ts'

const run = promisify(execFile)
const SCRIPT = join(import.meta.dirname, '../../../deploy/examples/haproxy/fetch-keys.mjs')
const started = new AsyncDisposableStack()
let world: ProxyWorld
let port: number
let folder: string
let keys: string

/** Starts HAProxy with the files of deploy/examples/haproxy, changed only in their addresses. */
beforeAll(async () => {
  world = await startProxyWorld()
  started.defer(() => world.stop())
  folder = await haproxyFolder(started)
  keys = join(folder, 'keys')
  // The server publishes the key of the test when it reads the database again.
  await eventually(async () => {
    await run(process.execPath, [SCRIPT, world.issuer, keys])
    expect(await readdir(keys)).toContain(`${world.kid}.pem`)
  })
  port = await freePort()
  const file = join(folder, 'jwks.cfg')
  const addresses = {
    '127.0.0.1:8000': `127.0.0.1:${port}`,
    '127.0.0.1:3000': world.upstream.address,
    'https://auth.example.com': world.issuer,
  }
  await writeFile(file, await readExample('haproxy/jwks.cfg', addresses))
  started.defer(await startHaproxy([join(keys, 'keys.cfg'), file]))
})
afterAll(() => started.disposeAsync())

const ask = (headers: Ask['headers'] = {}) => askThrough(port, world.upstream, { headers })
const refused = (status: number, error: string) => ({
  status,
  challenge: expect.stringMatching(`^Bearer realm="auth4agent", error="${error}"`),
  reason: '',
  reached: [],
})
const INVALID = refused(401, 'invalid_token')

it('1. fetch-keys.mjs writes a key for each ES256 key of the server, and removes keys that are gone', async () => {
  await writeFile(join(keys, 'gone.pem'), '')
  await run(process.execPath, [SCRIPT, world.issuer, keys])
  const jwks: unknown = await (await fetch(`${world.issuer}/.well-known/jwks.json`)).json()
  const published: readonly { readonly alg: string; readonly kid: string }[] = Object(jwks).keys
  const files = published.filter(({ alg }) => alg === 'ES256').map(({ kid }) => `${kid}.pem`)
  expect(files.length).toBeGreaterThan(1)
  expect((await readdir(keys)).toSorted()).toEqual([...files, 'keys.cfg'].toSorted())
})

it('2. fetch-keys.mjs changes nothing when it cannot reach the server', async () => {
  const before = await readFile(join(keys, 'keys.cfg'), 'utf8')
  await expect(run(process.execPath, [SCRIPT, 'http://127.0.0.1:1', keys])).rejects.toMatchObject({ code: 1 })
  expect(await readFile(join(keys, 'keys.cfg'), 'utf8')).toBe(before)
})

it('2. fetch-keys.mjs writes a configuration that HAProxy reads, also for a kid that begins with -', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = { ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: '-k' }
  const { port: keysPort } = await startOutside(json({ keys: [key] }))
  const dashed = join(folder, 'dashed')
  await run(process.execPath, [SCRIPT, `http://127.0.0.1:${keysPort}`, dashed])
  const files = [join(dashed, 'keys.cfg'), join(folder, 'jwks.cfg')]
  await run('haproxy', ['-c', ...files.flatMap((file) => ['-f', file])])
})

it('3. HAProxy lets a valid token pass, and the API gets who calls, but not the token', async () => {
  const answer = await ask(bearer(await world.token()))
  expect(answer).toMatchObject({ status: 200, challenge: '', reached: [{ method: 'GET', path: '/orders?page=1' }] })
  expect(answer.reached[0]?.headers).toMatchObject({
    'x-auth4agent-subject': [world.agent.did],
    'x-auth4agent-operator': [world.operator.id],
    'x-auth4agent-scope': ['orders:read'],
    'x-auth4agent-jti': [expect.any(String)],
    'x-auth4agent-expires': [expect.stringMatching(/^\d+$/)],
  })
  expect(answer.reached[0]?.headers).not.toHaveProperty('authorization')
})

it('4. HAProxy lets a token pass that is also for another audience or has another scope', async () => {
  const claims = { aud: ['https://other.example.com', API], scope: 'orders:write orders:read' }
  expect(await ask(bearer(world.forge({ claims })))).toMatchObject({ status: 200 })
})

const now = Math.floor(Date.now() / 1000)
it.each<[string, TokenEdits]>([
  ['is expired', { claims: { exp: now - 1 } }],
  ['has no exp', { claims: { exp: undefined } }],
  ['is for another audience', { claims: { aud: ['https://other.example.com'] } }],
  ['is for an audience that begins like the API', { claims: { aud: [`${API}.evil.example.com`] } }],
  ['is of another issuer', { claims: { iss: 'https://other.example.com' } }],
  ['has another typ', { header: { typ: 'token-introspection+jwt' } }],
  ['has no typ', { header: { typ: undefined } }],
  ['says another alg', { header: { alg: 'HS256' } }],
  ['says alg none', { header: { alg: 'none' } }],
  ['has an unknown kid', { header: { kid: 'unknown' } }],
  ['has no kid', { header: { kid: undefined } }],
  ['is bound to a key', { claims: { cnf: { jkt: 'x' } } }],
  ['is delegated', { claims: { act: { sub: 'did:agent:example.com:00' } } }],
  ['is of an agent of another domain', { claims: { sub: 'did:agent:evil-example.com:00' } }],
])('5. HAProxy refuses a token that %s', async (_name, edits) => {
  expect(await ask(bearer(world.forge(edits)))).toEqual(INVALID)
})

it('6. HAProxy refuses a token whose signature or text was changed, and a header without one token', async () => {
  const [token, other] = [await world.token(), await world.token()]
  const [header = '', payload = '', signature = ''] = token.split('.')
  const [, , otherSignature = ''] = other.split('.')
  const texts = ['x', `${header}.${payload}.${otherSignature}`, `${header}.${payload}.`, `${token}.${signature}`]
  for (const text of [...texts, `${header}.${payload}`]) expect(await ask(bearer(text))).toEqual(INVALID)
  for (const authorization of [[`Bearer ${token}`, `Bearer ${token}`], `Basic ${token}`, '']) {
    expect(await ask({ authorization })).toEqual(INVALID)
  }
  expect(await ask()).toEqual(INVALID)
})

it('7. HAProxy verifies no signature that was made with a public key as a secret', async () => {
  const [, payload = ''] = (await world.token()).split('.')
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'at+jwt', kid: world.kid })).toString('base64url')
  const secrets = [join(keys, `${world.kid}.pem`), await readFile(join(keys, `${world.kid}.pem`), 'utf8')]
  for (const secret of secrets) {
    const signature = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')
    expect(await ask(bearer(`${header}.${payload}.${signature}`))).toEqual(INVALID)
  }
})

it('8. HAProxy answers 403 to a token without the scope, and 401 to one of another operator', async () => {
  for (const scope of ['orders:write', 'orders:read:all', 'all:orders:read']) {
    expect(await ask(bearer(world.forge({ claims: { scope } })))).toEqual(refused(403, 'insufficient_scope'))
  }
  expect(await ask(bearer(await world.token({}, await strangerAt(world))))).toEqual(INVALID)
  const { token } = await world.boundToken()
  for (const scheme of ['Bearer', 'DPoP']) expect(await ask({ authorization: `${scheme} ${token}` })).toEqual(INVALID)
})

it('9. The API never gets a header of the client that says who calls', async () => {
  const sent = Object.fromEntries(CLIENT_HEADERS.map((name) => [name, 'forged']))
  const { status, reached } = await ask({ ...sent, ...bearer(await world.token()) })
  expect(status).toBe(200)
  expect(JSON.stringify(reached)).not.toContain('forged')
})

it.each(NAMING)('10. HAProxy tells the API who calls also when the client sends Connection: %s', async (connection) => {
  const { reached } = await ask({ connection, ...bearer(await world.token()) })
  expect(reached[0]?.headers['x-auth4agent-subject']).toEqual([world.agent.did])
  expect(String(reached[0]?.headers['connection'])).not.toMatch(/auth4agent/i)
})

it('11. HAProxy accepts a revoked token until the token expires, also while the server is away', async () => {
  const exp = Math.floor(Date.now() / 1000) + 3
  const token = world.forge({ claims: { exp } })
  expectStatus(200, await world.deployment.client.revokeToken(token))
  const revoked = performance.now()
  await world.leave()
  expect(await ask(bearer(token))).toMatchObject({ status: 200 })
  await eventually(async () => expect(await ask(bearer(token))).toEqual(INVALID))
  const took = Math.round(performance.now() - revoked)
  process.stdout.write(`HAProxy with the JWKS: the first refusal ended ${took} ms after the revocation had returned\n`)
})
