import { describe, expect, it } from 'vitest'
import { ClientRegistrationService } from '../../../gen/proto/auth4agent/v1/client_registration_pb.ts'
import { startGateway } from '../../../test/support/gateway.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { ReasonCode } from '../../platform/errors/reasons.ts'

const { registerClient } = ClientRegistrationService.method
const METADATA = '{"redirect_uris":["https://client.example/callback"]}'
const ANSWER = {
  clientId: 'reg_0123456789abcdef',
  redirectUris: ['https://client.example/callback'],
  tokenEndpointAuthMethod: 'none',
  grantTypes: ['authorization_code', 'refresh_token'],
  responseTypes: ['code'],
}

/** Sends metadata to a gateway, whose handler answers or refuses. */
async function send(init: { readonly headers?: Record<string, string>; readonly body?: string }, reason?: ReasonCode) {
  const { url, rpc } = await startGateway()
  rpc.answer(registerClient, () => {
    if (reason !== undefined) throw new ApiError(reason, 'Why it was refused')
    return ANSWER
  })
  const { headers = { 'content-type': 'application/json' }, body = METADATA } = init
  const answer = await fetch(`${url}/oauth/register`, { method: 'POST', headers, body })
  return { answer, body: JSON.parse(await answer.text()), rpc }
}

describe('POST /oauth/register', () => {
  it('passes the metadata on as sent, and answers 201 with what is registered', async () => {
    const { answer, body, rpc } = await send({})
    expect(answer.status).toBe(201)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect([answer.headers.get('cache-control'), answer.headers.get('pragma')]).toEqual(['no-store', 'no-cache'])
    // Without a name, the member is missing: some clients refuse an empty one.
    expect(body).toEqual({
      client_id: 'reg_0123456789abcdef',
      redirect_uris: ['https://client.example/callback'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    })
    expect(rpc.last()).toMatchObject({ request: { metadata: Buffer.from(METADATA) }, meta: { isPage: true } })
  })

  it.each<[ReasonCode, number, string]>([
    ['INVALID_CLIENT_METADATA', 400, 'invalid_client_metadata'],
    ['INVALID_REDIRECT_URI', 400, 'invalid_redirect_uri'],
    ['ROUTE_NOT_FOUND', 404, 'invalid_request'],
    ['RATE_LIMITED', 429, 'temporarily_unavailable'],
  ])('writes %s with the status %i and the error %s', async (reason, status, error) => {
    const { answer, body } = await send({}, reason)
    expect(answer.status).toBe(status)
    expect(body).toMatchObject({ error, error_description: 'Why it was refused', reason })
  })

  it.each([
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a content coding', { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ])('refuses %s', async (_, headers) => {
    const { answer, rpc } = await send({ headers })
    expect(answer.status).toBe(415)
    expect(rpc.calls).toEqual([])
  })

  it('refuses more than 16 KiB', async () => {
    const { answer, body } = await send({ body: `{"client_name":"${'a'.repeat(16 * 1024)}"}` })
    expect([answer.status, body.reason]).toEqual([413, 'BODY_TOO_LARGE'])
  })

  it('is there under the path of the issuer too, and only for POST', async () => {
    const { url, rpc } = await startGateway({ baseUrl: 'https://example.com/base' })
    rpc.answer(registerClient, () => ANSWER)
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/base/oauth/register`, { method: 'POST', headers, body: METADATA })
    expect(answer.status).toBe(201)
    expect((await fetch(`${url}/base/oauth/register`)).status).toBe(405)
  })
})
