import { describe, expect, it } from 'vitest'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { sendHttp } from '../../contract/support/http.ts'
import { useWorld } from '../../contract/support/run-cases.ts'
import type { AgentName } from '../../contract/support/seed.ts'
import {
  authentication,
  clientAssertion,
  decodeJwt,
  encodeForm,
  expectError,
  expectIssued,
  type Form,
  type OAuthError,
  post,
  tokenForm,
  withBody,
} from './support/client.ts'

const world = useWorld()
const PATH = '/oauth/token'
const agent = () => world().agents.active
const send = (form: Form | string | Uint8Array, headers?: Record<string, string>) =>
  post(world().server.baseUrl, PATH, form, headers)
const request = (edits?: Form) => send(tokenForm(agent(), edits))

describe('POST /oauth/token', () => {
  it('answers with a token that no cache may store, without a refresh token', async () => {
    const answer = await request()
    expect(expectIssued(answer)).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'read',
    })
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  })

  it('answers with Pragma: no-cache when the answer contains a token', async () => {
    expect((await request()).headers).toMatchObject({ pragma: 'no-cache' })
  })

  it('accepts the client_id of the client that the assertion authenticates', async () => {
    expectIssued(await request({ client_id: agent().did }))
  })

  it('refuses the client_id of another client, without a token', async () => {
    expectError(await request({ client_id: world().agents.ofBravo.did }), 'invalid_client')
  })

  it('ignores parameters that it does not know, even if they occur twice', async () => {
    expectIssued(await request({ audience: 'x', __proto: ['a', 'b'], constructor: 'y', 'x y': '' }))
  })

  it.each(['client_id', 'scope', 'resource', 'authorization_details'])(
    'treats a parameter without a value as absent: %s',
    async (name) => {
      const answer = expectIssued(await request({ [name]: '' }))
      expect(answer['scope']).toBe(name === 'scope' ? undefined : 'read')
      expect(decodeJwt(answer.access_token).claims['aud']).toEqual(decodeJwt(world().token()).claims['aud'])
    },
  )

  it.each([
    ['grant_type', 'invalid_request'],
    ['client_assertion', 'invalid_client'],
    ['client_assertion_type', 'invalid_client'],
  ] as const)('refuses a required parameter without a value like an absent one: %s', async (name, error) => {
    const absent = await request({ [name]: undefined })
    expectError(absent, error)
    const { request_id: _, ...rest } = absent.body
    expect((await request({ [name]: '' })).body).toMatchObject(rest)
  })

  it('reads a plus sign as a blank, and percent-encoded UTF-8', async () => {
    const form = encodeForm(tokenForm(agent(), { scope: undefined }))
    expect(expectIssued(await send(`${form}&scope=read+write&note=%C3%BC`))['scope']).toBe('read write')
  })
})

describe('a duplicate parameter is refused at /oauth/token', () => {
  it.each(['grant_type', 'client_id', 'client_assertion_type', 'client_assertion', 'scope', 'authorization_details'])(
    '%s',
    async (name) => {
      const good: Form = { ...tokenForm(agent()), client_id: agent().did, authorization_details: '[]' }
      const value = good[name] as string
      expectError(await request({ [name]: [value, value] }), 'invalid_request')
      expectError(await request({ [name]: [value, 'other'] }), 'invalid_request')
    },
  )

  it('two assertions', async () => {
    const client_assertion = [clientAssertion(agent()), clientAssertion(agent())]
    expectError(await request({ client_assertion }), 'invalid_request')
  })
})

describe('a request in another form is refused at /oauth/token', () => {
  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD'])('method %s', async (verb) => {
    const path = verb === 'GET' ? `${PATH}?${encodeForm(tokenForm(agent()))}` : PATH
    const answer = await sendHttp(world().server.baseUrl, { verb, path })
    expect({ status: answer.status, allow: answer.headers['allow'] }).toEqual({ status: 405, allow: 'POST' })
    if (verb !== 'HEAD') expectError(withBody(answer), 'invalid_request', 'METHOD_NOT_ALLOWED', 405)
  })

  it.each([
    ['a body as JSON', 'application/json'],
    ['plain text', 'text/plain'],
    ['multipart', 'multipart/form-data; boundary=x'],
    ['another charset', 'application/x-www-form-urlencoded; charset=utf-16'],
    ['no content type', ''],
  ])('%s', async (name, type) => {
    const form = tokenForm(agent())
    const body = name === 'a body as JSON' ? JSON.stringify(form) : encodeForm(form)
    expectError(await send(body, { 'content-type': type }), 'invalid_request', 'UNSUPPORTED_MEDIA_TYPE', 415)
  })

  it('a body of 64 KiB', async () => {
    const body = `${encodeForm(tokenForm(agent()))}&x=`
    const answer = await send(body.padEnd(65_537, 'x'))
    expectError(answer, 'invalid_request', 'BODY_TOO_LARGE', 413)
  })

  it.each<[string, (form: string) => string | Uint8Array]>([
    ['malformed percent-encoding', (form) => `${form}&x=%zz`],
    ['a percent sign at the end', (form) => `${form}&x=%`],
    ['bytes that are not UTF-8', (form) => Buffer.concat([Buffer.from(`${form}&x=`), Buffer.from([0xff])])],
    ['percent-encoded bytes that are not UTF-8', (form) => `${form}&x=%FF`],
    ['an empty body', () => ''],
  ])('%s', async (_, bodyOf) => {
    expectError(await send(bodyOf(encodeForm(tokenForm(agent())))), 'invalid_request')
  })

  it('parameters in the query', async () => {
    const answer = await post(world().server.baseUrl, `${PATH}?${encodeForm(authentication(agent()))}`, {
      grant_type: 'client_credentials',
    })
    expect(answer.status).toBe(400)
    expect(answer.body['access_token']).toBeUndefined()
  })
})

describe('POST /oauth/token refuses a grant type', () => {
  it.each(['password', 'urn:ietf:params:oauth:grant-type:saml2-bearer', 'Client_Credentials', 'client_credentials '])(
    '%s',
    async (grant_type) => {
      expectError(await request({ grant_type }), 'unsupported_grant_type', 'UNSUPPORTED_GRANT_TYPE')
    },
  )
})

describe('POST /oauth/token refuses a client that authenticates with', () => {
  const SECRET = { client_secret: 'secret' }
  const BASIC = { authorization: `Basic ${Buffer.from('x:secret').toString('base64')}` }
  const NO_ASSERTION = { client_assertion: undefined, client_assertion_type: undefined }

  it('nothing but its client_id', async () => {
    expectError(await request({ ...NO_ASSERTION, client_id: agent().did }), 'invalid_client')
  })

  it('a client_secret in the body', async () => {
    expectError(await request({ ...NO_ASSERTION, ...SECRET, client_id: agent().did }), 'invalid_client')
  })

  it.each([
    ['Basic', BASIC.authorization],
    ['Bearer', 'Bearer x'],
    ['DPoP', 'DPoP x'],
  ])('the header Authorization: %s, and names this scheme in WWW-Authenticate', async (scheme, authorization) => {
    const answer = await send(tokenForm(agent(), NO_ASSERTION), { authorization })
    expectError(answer, 'invalid_client', 'UNSUPPORTED_CLIENT_AUTHENTICATION', 401)
    expect(answer.headers['www-authenticate']).toMatch(new RegExp(`^${scheme} `))
  })

  it('an assertion and a client_secret', async () => {
    expectError(await request({ ...SECRET, client_id: agent().did }), 'invalid_request')
  })

  it('an assertion and HTTP Basic', async () => {
    const answer = await send(tokenForm(agent()), BASIC)
    expect(['invalid_request', 'invalid_client']).toContain(answer.body['error'])
    expect(answer.body['access_token']).toBeUndefined()
  })
})

describe('POST /oauth/token', () => {
  it.each<[AgentName, OAuthError, ReasonCode]>([
    ['pending', 'unauthorized_client', 'AGENT_NOT_ACTIVE'],
    ['suspended', 'unauthorized_client', 'AGENT_NOT_ACTIVE'],
    ['revoked', 'unauthorized_client', 'AGENT_NOT_ACTIVE'],
    ['ofSuspended', 'unauthorized_client', 'AGENT_OPERATOR_NOT_ACTIVE'],
  ])('issues no token to the agent: %s', async (name, error, reason) => {
    expectError(await send(tokenForm(world().agents[name])), error, reason)
  })

  it('issues no token to an agent that is not registered', async () => {
    const did = agent().did.replace(/.{4}$/, '0000')
    expectError(await send(tokenForm({ ...agent(), did })), 'invalid_client')
  })

  it.each([
    ['of another case', 'READ', 'SCOPE_NOT_ALLOWED'],
    ['outside the grant', 'read admin', 'SCOPE_NOT_ALLOWED'],
    ['with two blanks', 'read  write', 'INVALID_SCOPE'],
    ['with a tab', 'read\twrite', 'INVALID_SCOPE'],
    ['with a quotation mark', 'read"', 'INVALID_SCOPE'],
    ['with a backslash', 'read\\', 'INVALID_SCOPE'],
    ['with a letter outside ASCII', 'lesen:ü', 'INVALID_SCOPE'],
  ] as const)('refuses a scope %s', async (_, scope, reason) => {
    expectError(await request({ scope }), 'invalid_scope', reason)
  })

  it.each([
    ['read', 'read'],
    ['write read', 'read write'],
    ['read read', 'read'],
  ])('grants the scope "%s" as "%s", and says so', async (scope, granted) => {
    const body = expectIssued(await request({ scope }))
    expect(String(body['scope']).split(' ').toSorted().join(' ')).toBe(granted)
    expect(decodeJwt(body.access_token).claims['scope']).toBe(body['scope'])
  })

  it('issues a token without scopes when neither the parameters nor the assertion name a scope', async () => {
    const body = expectIssued(await request({ scope: undefined }))
    expect(body['scope']).toBeUndefined()
    expect(decodeJwt(body.access_token).claims['scope']).toBe('')
  })
})
