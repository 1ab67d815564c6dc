import { createHmac } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { describe, expect, it } from 'vitest'
import { useWorld } from '../../contract/support/run-cases.ts'
import { type AssertionEdits, bearer, ISSUER } from '../../support/assertions.ts'
import { signCompactJws } from '../../support/jws.ts'
import { testTokenKey } from '../../support/token-keys.ts'
import {
  clientAssertion,
  expectError,
  expectIssued,
  nowS,
  type OAuthAgent,
  post,
  TOKEN_ENDPOINT,
  tokenForm,
} from './support/client.ts'

const world = useWorld()
const agent = () => world().agents.active
const SKEW_S = 10
const ENDPOINTS = ['/oauth/token', '/oauth/introspect', '/oauth/revoke']

/** Sends an assertion to an endpoint with everything that the endpoint needs besides. */
const sendTo = (path: string, client_assertion: string) =>
  post(world().server.baseUrl, path, tokenForm(agent(), { client_assertion, token: 'x' }))
const send = (client_assertion: string) => sendTo('/oauth/token', client_assertion)
const sendEdited = (edits: AssertionEdits) => send(clientAssertion(agent(), edits))

/** Returns an assertion that is signed over a text instead of over JSON that is written here. */
function assertionOver(claims: string): string {
  const input = [JSON.stringify({ alg: 'EdDSA' }), claims].map((part) => encodeBase64url(Buffer.from(part))).join('.')
  return `${input}.${encodeBase64url(agent().pair.privateKey.sign(Buffer.from(input)))}`
}

describe('a client assertion is accepted', () => {
  it.each<[string, AssertionEdits | (() => AssertionEdits)]>([
    ['with the typ client-authentication+jwt', {}],
    ['with the typ JWT', { header: { typ: 'JWT' } }],
    ['without a typ', { header: { typ: undefined } }],
    ['with the alg Ed25519', { header: { alg: 'Ed25519' } }],
    ['with the thumbprint of the key as kid', () => ({ header: { kid: thumbprint(agent().pair.publicKey) } })],
    ['whose aud is a list of the issuer alone', { claims: { aud: [ISSUER] } }],
    ['without iat', { claims: { iat: undefined } }],
    ['with an nbf in the past', () => ({ claims: { nbf: nowS() - 60 } })],
    ['that expires in exactly 300 s', () => ({ claims: { exp: nowS() + 300 } })],
    ['that expired less than the clock skew ago', () => ({ claims: { iat: nowS() - 60, exp: nowS() - SKEW_S + 5 } })],
    ['whose jti has 128 characters', () => ({ claims: { jti: `${nowS()}`.padEnd(128, '!') } })],
    ['with claims that the server does not know', { claims: { x: { y: [1] }, name: 'ü' } }],
  ])('%s', async (_, edits) => {
    expectIssued(await sendEdited(typeof edits === 'function' ? edits() : edits))
  })
})

/** Returns a function that makes edits of one claim. */
const claim = (name: string) => (value: unknown) => (): AssertionEdits => ({ claims: { [name]: value } })
const [iss, sub, aud, exp, jti] = [claim('iss'), claim('sub'), claim('aud'), claim('exp'), claim('jti')]
const typ = (value: unknown) => (): AssertionEdits => ({ header: { typ: value } })
const good = () => clientAssertion(agent())
const didOf = ({ did }: OAuthAgent) => ({ iss: did, sub: did })
const claimsText = () =>
  JSON.stringify({ ...didOf(agent()), aud: ISSUER, exp: nowS() + 60, jti: `text-${Math.random()}` })
const operatorAssertion = () =>
  bearer(world().operators.acme, { claims: { iat: nowS(), exp: nowS() + 60 } }).slice('Bearer '.length)

function macWith({ did, pair }: ReturnType<typeof agent>): string {
  const [header, payload] = [
    { alg: 'HS256', typ: 'JWT' },
    { ...didOf({ did, pair }), aud: ISSUER, exp: nowS() + 60 },
  ]
  const input = signCompactJws(header, { ...payload, jti: 'mac' }, pair.privateKey).replace(/\.[^.]+$/, '')
  return `${input}.${createHmac('sha256', pair.publicKey).update(input).digest('base64url')}`
}

async function expectRefused(assertion: string): Promise<void> {
  const before = await world().snapshot('')
  expectError(await send(assertion), 'invalid_client')
  expect(await world().snapshot('')).toEqual(before)
}

describe('a client assertion is refused and nothing is written', () => {
  it.each<[string, () => AssertionEdits]>([
    ['typ at+jwt', typ('at+jwt')],
    ['typ dpop+jwt', typ('dpop+jwt')],
    ['typ of an operator assertion', typ('auth4agent-operator+jwt')],
    ['typ that is empty', typ('')],
    ['typ that is a number', typ(1)],
    ['alg none', () => ({ header: { alg: 'none' } })],
    ['alg of another kind of key', () => ({ header: { alg: 'ES256' } })],
    ['alg in another case', () => ({ header: { alg: 'eddsa' } })],
    ['kid of another key', () => ({ header: { kid: testTokenKey('EdDSA').kid } })],
    ['an extension that must be understood', () => ({ header: { crit: ['x'], x: 1 } })],
    ['no iss', iss(undefined)],
    ['iss that is not the sub', iss('did:agent:acme-operator.com:00000000000000000000000000000000')],
    ['no sub', sub(undefined)],
    ['sub of another agent', () => ({ claims: { sub: world().agents.ofBravo.did } })],
    ['iss and sub of another agent', () => ({ claims: didOf(world().agents.ofBravo) })],
    ['iss and sub that are no DID', () => ({ claims: { iss: 'client', sub: 'client' } })],
    ['no aud', aud(undefined)],
    ['aud of another server', aud('https://other.example')],
    ['aud with a slash at the end', aud(`${ISSUER}/`)],
    ['aud in another case', aud('HTTP://LOCALHOST:8080')],
    ['aud of the token endpoint', aud(TOKEN_ENDPOINT)],
    ['aud of two members', aud([ISSUER, 'https://other.example'])],
    ['aud of two members, the issuer last', aud([TOKEN_ENDPOINT, ISSUER])],
    ['aud that is an empty list', aud([])],
    ['no exp', exp(undefined)],
    ['exp that is a text', () => ({ claims: { exp: `${nowS() + 60}` } })],
    ['exp in the past', () => ({ claims: { exp: nowS() - SKEW_S - 1 } })],
    ['exp more than 300 s ahead', () => ({ claims: { exp: nowS() + 300 + SKEW_S + 5 } })],
    ['nbf in the future', () => ({ claims: { nbf: nowS() + SKEW_S + 5 } })],
    ['iat in the future', () => ({ claims: { iat: nowS() + SKEW_S + 5 } })],
    ['no jti', jti(undefined)],
    ['jti that is empty', jti('')],
    ['jti of 129 characters', jti('x'.repeat(129))],
    ['jti that is a number', jti(7)],
  ])('%s', async (_, edits) => {
    await expectRefused(clientAssertion(agent(), edits()))
  })

  it.each<[string, () => string]>([
    ['a signature of another key', () => clientAssertion({ ...agent(), pair: world().agents.ofBravo.pair })],
    [
      'other claims than the signed ones',
      () => good().replace(/\.[^.]+\./, `.${clientAssertion(agent()).split('.')[1]}.`),
    ],
    ['no signature', () => good().replace(/[^.]+$/, '')],
    ['a MAC with the public key as secret', () => macWith(agent())],
    ['two JWTs in one parameter', () => `${good()} ${good()}`],
    ['a text that is not a JWT', () => 'x'],
    ['five parts, like an encrypted JWT', () => `${good()}.x.x`],
    ['a line end after the signature', () => `${good()}\n`],
    ['padding after the signature', () => `${good()}==`],
    ['a claim twice', () => assertionOver(claimsText().replace('{', '{"aud":"https://other.example",'))],
    ['claims that are a list', () => assertionOver(`[${claimsText()}]`)],
    ['a token of the server', () => world().token()],
    ['an assertion of an operator', () => operatorAssertion()],
  ])('%s', async (_, assertion) => {
    await expectRefused(assertion())
  })
})

describe('the parameter client_assertion_type', () => {
  it.each([
    undefined,
    'urn:ietf:params:oauth:client-assertion-type:saml2-bearer',
    'URN:ietf:params:oauth:client-assertion-type:jwt-bearer',
    'jwt-bearer',
  ])('is refused: %s', async (client_assertion_type) => {
    const answer = await post(world().server.baseUrl, '/oauth/token', tokenForm(agent(), { client_assertion_type }))
    expectError(answer, 'invalid_client', 'UNSUPPORTED_CLIENT_AUTHENTICATION')
  })
})

describe('a client assertion is accepted once', () => {
  it.each(ENDPOINTS.flatMap((first) => ENDPOINTS.map((second) => [first, second] as const)))(
    'at %s, and then refused at %s',
    async (first, second) => {
      const assertion = clientAssertion(agent())
      expect((await sendTo(first, assertion)).status).toBe(200)
      const answer = await sendTo(second, assertion)
      expectError(answer, 'invalid_client', 'ASSERTION_USED', second === '/oauth/introspect' ? 401 : 400)
    },
  )

  it('in 20 parallel requests', async () => {
    const assertion = clientAssertion(agent())
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(assertion)))
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1)
  })

  it('even if it is sent again in another encoding', async () => {
    const claims = { jti: `again-${nowS()}` }
    expectIssued(await sendEdited({ claims }))
    expectError(await sendEdited({ claims, header: { typ: 'JWT' } }), 'invalid_client', 'ASSERTION_USED')
  })

  it('although another agent has used the same jti', async () => {
    const claims = { jti: `shared-${nowS()}` }
    expectIssued(await sendEdited({ claims }))
    const other = world().agents.ofBravo
    const form = tokenForm(other, { client_assertion: clientAssertion(other, { claims }) })
    expectIssued(await post(world().server.baseUrl, '/oauth/token', form))
  })
})

it('a client assertion authenticates no call of an operator', async () => {
  const path = `/v1/operators/${world().operators.acme.id}/agents/${agent().did}/suspend`
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${clientAssertion(agent())}` }
  const { status, text } = await post(world().server.baseUrl, path, '{}', headers)
  expect({ status, ...JSON.parse(text) }).toMatchObject({ status: 401, reason: 'INVALID_ASSERTION' })
})
