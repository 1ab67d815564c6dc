import { createHash } from 'node:crypto'
import {
  Auth4Agent,
  type AuthenticateOptions,
  createAgent,
  generateWebCryptoKey,
  signerFromKeyPair,
} from '@auth4agent/sdk'
import { authorized } from '@auth4agent/sdk/connect'
import { authorizedCredentials } from '@auth4agent/sdk/grpc'
import { ConnectError, createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
import { Client, credentials } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { ErrorInfoSchema } from '../../../gen/proto/google/rpc/error_details_pb.ts'
import { certificate } from '../../support/certificate.ts'
import { fakeClock } from '../../support/sdk/clock.ts'
import { until } from '../../support/until.ts'
import { askGrpc, startApi, startGrpcApi, verifierAt } from './apis.ts'
import { runInBrowser } from './browser.ts'
import { madeIn, PAGE } from './page.ts'
import { readmeProgram, runProgram } from './readme.ts'
import { startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.[Symbol.asyncDispose]())

const claimsOf = (token: string): unknown => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

describe('createAgent', () => {
  it('gets a token for its scopes with a WebCrypto key that cannot be exported', async () => {
    const key = await generateWebCryptoKey()
    const { did } = await world.operator.agents.register({ publicKey: (await signerFromKeyPair(key)).publicKey })
    await world.operator.agents.setScopes(did, ['a', 'b'])
    await world.operator.agents.update(did, { requireBoundChallenges: true })
    const agent = createAgent({ server: world.url, did, key, scopes: ['b', 'a'] })
    expect(claimsOf(await agent.token())).toMatchObject({ sub: did, scope: 'a b', aud: [world.url] })
    await expect(agent.token({ scopes: ['c'] })).rejects.toMatchObject({ reason: 'SCOPE_NOT_ALLOWED', status: 403 })
  })

  it('renews its token while the old one is still valid', async () => {
    const clock = fakeClock()
    const agent = createAgent({ server: world.url, ...(await world.newAgent(['a'])), scopes: ['a'], ttl: '30s' }, clock)
    const first = await agent.token()
    clock.advance(21_000)
    const second = await until(
      () => agent.token(),
      (token) => token !== first,
    )
    expect(claimsOf(second)).toMatchObject({ scope: 'a' })
    agent.close()
  })

  it("rejects with ISSUER_MISMATCH if the server's address is not its issuer, unless the option issuer names it", async () => {
    const { did, key } = await world.newAgent([])
    const agent = createAgent({ server: world.server.baseUrl, did, key })
    await expect(agent.token()).rejects.toMatchObject({ reason: 'ISSUER_MISMATCH' })
    const told = createAgent({ server: world.server.baseUrl, issuer: world.url, did, key })
    await expect(told.token()).resolves.toBeTypeOf('string')
  })

  it('repeats a call with a new token when the API refuses a revoked token', async () => {
    const api = await startApi(verifierAt(world.url))
    const agent = createAgent({ server: world.url, ...(await world.newAgent(['a'])), scopes: ['a'], audience: api.url })
    const ids = []
    for (let calls = 0; calls < 2; calls += 1) {
      const response = await agent.fetch(`${api.url}/orders`)
      const { jti, aud } = JSON.parse(await response.text())
      expect(aud).toEqual([api.url])
      ids.push(jti)
      await world.operator.revokeToken(jti)
    }
    expect(new Set(ids).size).toBe(2)
    await api.stop()
  })
})

describe('@auth4agent/sdk/grpc', () => {
  it('sends the token over TLS, and without TLS only to this machine', async () => {
    const { did, key } = await world.newAgent(['a'])
    const agent = createAgent({ server: world.url, did, key, scopes: ['a'] })
    const verify = verifierAt(world.url)
    const [secure, local] = [await startGrpcApi(verify, true), await startGrpcApi(verify, false)]
    const tls = credentials.createSsl(Buffer.from(certificate.cert))
    const asked = askGrpc(new Client(secure.address, authorizedCredentials(agent, tls)), undefined)
    expect(await asked).toMatchObject({ sub: did, scope: 'a' })
    const insecure = credentials.createInsecure()
    expect(await askGrpc(new Client(local.address, insecure), agent)).toMatchObject({ sub: did })
    await expect(askGrpc(new Client(local.address, insecure), undefined)).rejects.toThrow('has no valid token')
    await expect(askGrpc(new Client('api.example:80', insecure), agent)).rejects.toThrow(
      'only sends a token to this machine',
    )
    expect(() => authorizedCredentials(agent, insecure)).toThrow('only sent over TLS')
    for (const { stop } of [secure, local]) stop()
  })

  it("fails a call with the server's error detail when the agent cannot get a token", async () => {
    const { did, key } = await world.newAgent([])
    const agent = createAgent({ server: world.url, did, key, scopes: ['a'] })
    const { grpcAddress } = world.server
    const asked = askGrpc(new Client(grpcAddress, credentials.createInsecure()), agent)
    await expect(asked).rejects.toThrow('grant must include the scope')
  })
})

describe('@auth4agent/sdk/connect', () => {
  it('sends the token with each call', async () => {
    const { did, key } = await world.newAgent(['a'])
    const agent = createAgent({ server: world.url, did, key, scopes: ['a'] })
    const shown: (string | null)[] = []
    const transport = createConnectTransport({
      baseUrl: world.url,
      httpVersion: '1.1',
      interceptors: [
        authorized(agent),
        (next) => (request) => {
          shown.push(request.header.get('authorization'))
          return next(request)
        },
      ],
    })
    const first = await agent.token()
    // The server expects an operator assertion here, so it refuses the token.
    const error = await createClient(IdentityService, transport)
      .listAgents({ operatorId: world.operator.id })
      .catch((failure: unknown) => ConnectError.from(failure).findDetails(ErrorInfoSchema))
    expect(error).toMatchObject([{ reason: 'INVALID_ASSERTION' }])
    expect(shown).toEqual([`Bearer ${first}`])
  })

  it('sends no token to an address without TLS', async () => {
    const agent = createAgent({ server: world.url, ...(await world.newAgent([])) })
    const transport = createConnectTransport({
      baseUrl: 'http://api.example',
      httpVersion: '1.1',
      interceptors: [authorized(agent)],
    })
    const call = createClient(IdentityService, transport).listAgents({})
    await expect(call).rejects.toThrow('A token is only sent over https')
  })
})

describe('Auth4Agent', () => {
  it('registers an operator and an agent, gets a token and verifies it; a new object needs the keys as options', async () => {
    const sdk = new Auth4Agent({ server: world.url })
    const root = await sdk.identity.create('first.test')
    const { id: operatorId } = await sdk.operator.register({ domain: 'first.test', identity: root })
    expect(await sdk.operator.verification.instructions(operatorId)).toMatchObject({ domain: 'first.test' })
    expect(await sdk.operator.verification.confirm(operatorId)).toMatchObject({ verified: true })
    const identity = await sdk.identity.create('first.test')
    expect(await sdk.agent.register({ operatorId, identity })).toMatchObject({ did: identity.did, status: 'active' })
    const grant = { operatorId, did: identity.did, allowedScopes: ['orders:read'] }
    expect(await sdk.agent.updateScopes(grant)).toMatchObject({ updated: true, allowed_scopes: ['orders:read'] })
    const wishes: AuthenticateOptions = { did: identity.did, scope: 'orders:read', audience: 'https://api.first.test' }
    const { token } = await sdk.authenticate({ ...wishes, ttl: '10m' })
    expect(await sdk.verify(token)).toMatchObject({ valid: true, claims: { sub: identity.did } })

    const other = new Auth4Agent({ server: world.url })
    await expect(other.authenticate(wishes)).rejects.toThrow('pass it as `identity`')
    await expect(other.authenticate({ ...wishes, identity })).resolves.toMatchObject({ lifetimeS: 900 })
    await expect(other.agent.updateScopes(grant)).rejects.toThrow(TypeError)
    await expect(other.agent.updateScopes({ ...grant, operator: root })).resolves.toMatchObject({ updated: true })
    const pending = await other.identity.create('first.test')
    expect(await other.agent.register({ operatorId, identity: pending })).toMatchObject({ status: 'pending' })
  })

  it('verifies tokens of every algorithm, and gives the reason why a token is invalid', async () => {
    const sdk = new Auth4Agent({ server: world.url })
    const identity = await world.newAgent(['a', 'b'])
    const audiences = (['EdDSA', 'Ed25519', 'ES256', 'RS256'] as const).map((alg) => ({
      audience: `https://${alg.toLowerCase()}.sdk.test`,
      callers: [],
      token_signing_alg: alg,
    }))
    await world.operator.policy.set({ audiences })
    for (const { audience, token_signing_alg: alg } of audiences) {
      const options = { did: identity.did, identity: identity.key, scope: 'a', audience }
      const { token } = await sdk.authenticate(options)
      const [header = '', payload = '', signature = ''] = token.split('.')
      expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ alg })
      const good = { audience, scopes: ['a'], operators: [world.domain] }
      expect(await sdk.verify(token, good)).toMatchObject({ valid: true })
      const wrong = await Promise.all([
        sdk.verify(token, { ...good, audience: 'https://other.test' }),
        sdk.verify(token, { ...good, scopes: ['a', 'b'] }),
        sdk.verify(token, { ...good, operators: ['other.test'] }),
        sdk.verify(`${header}.${payload}.${flip(signature)}`, good),
        sdk.verify(`${header}.${flip(payload)}.${signature}`, good),
        sdk.verify(`${token}=`, good),
      ])
      expect(wrong.map((verification) => ('reason' in verification ? verification.reason : 'VALID'))).toEqual([
        'AUDIENCE_MISMATCH',
        'SCOPE_MISSING',
        'OPERATOR_NOT_TRUSTED',
        'SIGNATURE_INVALID',
        'MALFORMED_TOKEN',
        'MALFORMED_TOKEN',
      ])
    }
    const elsewhere = new Auth4Agent({ server: world.server.baseUrl })
    const { token } = await sdk.authenticate({ did: identity.did, identity: identity.key })
    expect(await elsewhere.verify(token)).toEqual({ valid: false, reason: 'WRONG_ISSUER' })
  })
})

/** Returns the text with a different first character. */
function flip(text: string): string {
  return (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
}

describe('the SDK in a browser', () => {
  it('gets bearer and bound tokens with a WebCrypto key, or with keys of noble if WebCrypto has no Ed25519', async () => {
    const told = await runInBrowser(PAGE, {
      serverUrl: world.url,
      async ask(value) {
        const publicKey = Uint8Array.from(Array.isArray(value) ? value.map(Number) : [])
        const { did } = await world.operator.agents.register({ publicKey })
        await world.operator.agents.setScopes(did, ['a'])
        return { did, issuer: world.url }
      },
    })
    const token = expect.stringMatching(/^ey/)
    const shown = expect.stringMatching(/^Bearer ey/)
    const bound = [expect.stringMatching(/^DPoP ey/), expect.stringMatching(/^ey/)]
    const made = { did: expect.stringMatching(/^did:agent:page\.test:/), publicKey: expect.any(Array) }
    expect(told).toEqual({
      usual: { valid: true, made, lacks: false, extractable: false, token, shown, bound },
      lacking: { valid: true, made, lacks: true, token, shown, bound },
    })
    for (const { did, publicKey } of madeIn(told)) {
      const digest = createHash('sha256').update(Uint8Array.from(publicKey)).digest('hex')
      expect(did).toBe(`did:agent:page.test:${digest.slice(0, 32)}`)
    }
  })
})

describe("the SDK's README", () => {
  it('has code blocks that run as one program, print the expected lines, and end', async () => {
    const api = await startApi(verifierAt(world.url))
    const program = await readmeProgram('sdk', { 'http://localhost:8080': world.url, 'http://localhost:9000': api.url })
    const { code, stdout, stderr } = await runProgram(program)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [claims = '', ...lines] = stdout.trim().split('\n')
    expect(JSON.parse(claims)).toMatchObject({ scope: 'orders:read', aud: [api.url] })
    expect(lines).toEqual([
      '3',
      '200 DPoP',
      'DPoP 3',
      'racks orders:read',
      '2',
      '32 false',
      'pipeline true POST',

      '1',
      '3',
      '4 0',
      'OKP Ed25519',
      'true',
      'false',
      'object 1 1',
      'SCOPE_NOT_ALLOWED 403',
      '_auth4agents.example.test',
      'true',
    ])
    await api.stop()
  })
})
