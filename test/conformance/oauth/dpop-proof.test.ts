import { createHmac, sign as cryptoSign } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { useWorld } from '../../contract/support/run-cases.ts'
import type { AssertionEdits } from '../../support/assertions.ts'
import { type TestTokenKey, testTokenKey } from '../../support/token-keys.ts'
import {
  decodeJwt,
  dpopProof,
  encodeForm,
  expectError,
  expectIssued,
  nowS,
  post,
  TOKEN_ENDPOINT,
  tokenForm,
} from './support/client.ts'

const world = useWorld()
const key = testTokenKey('ES256')
const other = testTokenKey('ES256')
const WINDOW_S = 60
const SKEW_S = 10

const send = (dpop: string, headers: Record<string, string> = {}) =>
  post(world().server.baseUrl, '/oauth/token', tokenForm(world().agents.active), { dpop, ...headers })

/** Expects a token that is bound to a key. */
async function expectBound(dpop: string, { kid }: TestTokenKey, headers?: Record<string, string>): Promise<void> {
  const body = expectIssued(await send(dpop, headers))
  expect(body['token_type']).toBe('DPoP')
  expect(decodeJwt(body.access_token).claims['cnf']).toEqual({ jkt: kid })
}

const P1363 = { key: key.privateKey, dsaEncoding: 'ieee-p1363' } as const
const isHigh = (bytes: Buffer) => (bytes[32] ?? 0) >= 0x80

/** Returns a function that makes edits of one claim. */
const claim = (name: string) => (value: unknown) => (): AssertionEdits => ({ claims: { [name]: value } })
const [htu, htm, iat, jti] = [claim('htu'), claim('htm'), claim('iat'), claim('jti')]
const head = (header: object) => (): AssertionEdits => ({ header: { ...header } })

function macProof(): string {
  const input = key
    .sign({ typ: 'dpop+jwt', alg: 'HS256', jwk: key.jwk }, {})
    .replace(/[^.]+$/, '')
    .slice(0, -1)
  return `${input}.${createHmac('sha256', JSON.stringify(key.jwk)).update(input).digest('base64url')}`
}

async function expectInvalid(proof: string): Promise<void> {
  expectError(await send(proof), 'invalid_dpop_proof', 'INVALID_DPOP_PROOF')
}

describe('a DPoP proof at /oauth/token', () => {
  it.each(['EdDSA', 'Ed25519', 'ES256'] as const)('binds the token to its key: %s', async (alg) => {
    const own = testTokenKey(alg)
    await expectBound(dpopProof(own), own)
  })

  it.each<[string, AssertionEdits]>([
    ['query and fragment in htu', { claims: { htu: `${TOKEN_ENDPOINT}?a=1#b` } }],
    ['scheme and host of htu in upper case', { claims: { htu: TOKEN_ENDPOINT.replace('http://l', 'HTTP://L') } }],
    ['dot segments in htu', { claims: { htu: TOKEN_ENDPOINT.replace('/oauth', '/x/../oauth/.') } }],
    ['unreserved characters of htu percent-encoded', { claims: { htu: TOKEN_ENDPOINT.replace('/oauth', '/%6Fauth') } }],
    ['claims that the server does not know', { claims: { x: { y: 1 } } }],
    ['other public members in jwk', { header: { jwk: { ...key.jwk, use: 'sig', alg: 'ES256', kid: 'x' } } }],
    ['a kid in the header', { header: { kid: 'x' } }],
    ['an iat that is a little ahead', { claims: { iat: nowS() + 2 } }],
  ])('is accepted with %s', async (_, edits) => {
    await expectBound(dpopProof(key, edits), key)
  })

  it('is accepted with either of the two values of S that an ES256 signature can have', async () => {
    const [header = '', claims = ''] = dpopProof(key).split('.')
    const signature = () => cryptoSign('sha256', Buffer.from(`${header}.${claims}`), P1363)
    const both = Array.from({ length: 40 }, signature)
    const high = both.find(isHigh) ?? Buffer.alloc(64)
    await expectBound(`${header}.${claims}.${high.toString('base64url')}`, key)
    const low = both.find((bytes) => !isHigh(bytes)) ?? Buffer.alloc(64)
    expectError(await send(`${header}.${claims}.${low.toString('base64url')}`), 'invalid_dpop_proof', 'DPOP_PROOF_USED')
  })

  it('is compared with the public URL, whatever headers name the host', async () => {
    const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' }
    await expectBound(dpopProof(key), key, headers)
    const htu = 'https://evil.example/oauth/token'
    expectError(await send(dpopProof(key, { claims: { htu } }), headers), 'invalid_dpop_proof')
  })
})

describe('a DPoP proof is refused at /oauth/token', () => {
  it.each<[string, () => AssertionEdits]>([
    ['without typ', head({ typ: undefined })],
    ['typ JWT', head({ typ: 'JWT' })],
    ['typ of a client assertion', head({ typ: 'client-authentication+jwt' })],
    ['alg none', head({ alg: 'none' })],
    ['alg of a MAC', head({ alg: 'HS256' })],
    ['alg that does not fit the key', head({ alg: 'EdDSA' })],
    ['without jwk', head({ jwk: undefined })],
    ['jwk with the private key', () => head({ jwk: key.privateKey.export({ format: 'jwk' }) })()],
    ['jwk that is a secret', head({ jwk: { kty: 'oct', k: 'AAAA' } })],
    ['jwk of another key', () => head({ jwk: other.jwk })()],
    ['jwk with a point that is not on the curve', () => head({ jwk: { ...key.jwk, x: 'A'.repeat(43) } })()],
    ['an extension that must be understood', head({ crit: ['x'], x: 1 })],
    ['without htm', htm(undefined)],
    ['htm of another method', htm('GET')],
    ['htm in lower case', htm('post')],
    ['without htu', htu(undefined)],
    ['htu of another host', htu('http://other.example:8080/oauth/token')],
    ['htu of another port', htu('http://localhost:8081/oauth/token')],
    ['htu of another scheme', htu('https://localhost:8080/oauth/token')],
    ['htu of another endpoint', htu('http://localhost:8080/oauth/revoke')],
    ['htu with a slash at the end', htu(`${TOKEN_ENDPOINT}/`)],
    ['htu in another case of the path', htu('http://localhost:8080/OAuth/token')],
    ['htu that is relative', htu('/oauth/token')],
    ['htu with a user', htu('http://user@localhost:8080/oauth/token')],
    ['htu of the address where the server listens', () => htu(`${world().server.baseUrl}/oauth/token`)()],
    ['without iat', iat(undefined)],
    ['iat that is a text', () => iat(String(nowS()))()],
    ['iat that is too old', () => iat(nowS() - WINDOW_S - SKEW_S - 2)()],
    ['iat that is too far ahead', () => iat(nowS() + SKEW_S + 3)()],
    ['without jti', jti(undefined)],
    ['jti that is empty', jti('')],
    ['jti that is a number', jti(7)],
    ['jti of 3,000 characters', jti('x'.repeat(3_000))],
  ])('%s', async (_, edits) => {
    await expectInvalid(dpopProof(key, edits()))
  })

  it.each<[string, () => string]>([
    ['a signature with an algorithm that is not supported', () => dpopProof(testTokenKey('RS256'))],
    ['a signature of another key', () => dpopProof(other, { header: { jwk: key.jwk } })],
    [
      'other claims than the signed ones',
      () => dpopProof(key).replace(/\.[^.]+\./, `.${dpopProof(key).split('.')[1]}.`),
    ],
    ['without signature', () => dpopProof(key).replace(/[^.]+$/, '')],
    ['a MAC with the public key as secret', () => macProof()],
    ['a text that is not a JWT', () => 'x'],
    ['two proofs in one header', () => `${dpopProof(key)}, ${dpopProof(key)}`],
    ['five parts, like an encrypted JWT', () => `${dpopProof(key)}.x.x`],
    ['an empty header', () => ''],
    ['a proof of more than 4 KiB', () => dpopProof(key, { claims: { x: 'x'.repeat(4_000) } })],
  ])('%s', async (_, proof) => {
    await expectInvalid(proof())
  })

  it('two headers', async () => {
    const url = `${world().server.baseUrl}/oauth/token`
    const headers = { 'content-type': 'application/x-www-form-urlencoded', dpop: [dpopProof(key), dpopProof(key)] }
    const { promise, resolve } = Promise.withResolvers<string>()
    httpRequest(url, { method: 'POST', headers }, (answer) => resolve(text(answer))).end(
      encodeForm(tokenForm(world().agents.active)),
    )
    expect(JSON.parse(await promise)).toMatchObject({ error: 'invalid_dpop_proof', reason: 'INVALID_DPOP_PROOF' })
  })

  it('that was used before, also for another agent and with another assertion', async () => {
    const proof = dpopProof(key)
    await expectBound(proof, key)
    expectError(await send(proof), 'invalid_dpop_proof', 'DPOP_PROOF_USED')
    const form = tokenForm(world().agents.ofBravo)
    const answer = await post(world().server.baseUrl, '/oauth/token', form, { dpop: proof })
    expectError(answer, 'invalid_dpop_proof', 'DPOP_PROOF_USED')
  })

  it('in all but one of 20 parallel requests', async () => {
    const proof = dpopProof(key)
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(proof)))
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1)
  })

  it('not if another key has used the same jti', async () => {
    const claims = { jti: `shared-${nowS()}` }
    await expectBound(dpopProof(key, { claims }), key)
    await expectBound(dpopProof(other, { claims }), other)
  })
})
