import { describe, expect, it } from 'vitest'
import { ProviderSignalService } from '../../../gen/proto/auth4agent/v1/provider_signals_pb.ts'
import { startGateway } from '../../../test/support/gateway.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { ReasonCode } from '../../platform/errors/reasons.ts'

const { receiveSecurityEvent } = ProviderSignalService.method
const SET = 'eyJ0eXAiOiJzZWNldmVudCtqd3QifQ.e30.AA'
const TYPE = 'application/secevent+jwt'

/** Sends a body to the place of the provider `p1`, whose handler answers or refuses. */
async function send(
  init: { readonly type?: string; readonly coding?: string; readonly body?: string },
  reason?: ReasonCode,
) {
  const { url, rpc } = await startGateway()
  rpc.answer(receiveSecurityEvent, () => {
    if (reason !== undefined) throw new ApiError(reason, 'Why it was refused')
    return {}
  })
  const { type = TYPE, coding, body = SET } = init
  const headers = { 'content-type': type, ...(coding && { 'content-encoding': coding }) }
  const answer = await fetch(`${url}/people/providers/p1/events`, { method: 'POST', headers, body })
  return { answer, text: await answer.text(), rpc }
}

describe('POST /people/providers/{id}/events', () => {
  it.each([TYPE, 'Application/SecEvent+JWT; charset=us-ascii'])('takes a SET of the type %s', async (type) => {
    const { answer, text, rpc } = await send({ type })
    expect([answer.status, text]).toEqual([202, ''])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(rpc.last()).toMatchObject({ request: { providerId: 'p1', set: SET }, meta: { isPage: true } })
  })

  it.each([
    ['another type', { type: 'application/jwt' }],
    ['a form', { type: 'application/x-www-form-urlencoded' }],
    ['a content coding', { coding: 'gzip' }],
  ])('refuses %s', async (_name, init) => {
    const { answer, rpc } = await send(init)
    expect(answer.status).toBe(415)
    expect(rpc.calls).toEqual([])
  })

  it('refuses more than 16 KiB', async () => {
    expect((await send({ body: 'a'.repeat(16 * 1024 + 1) })).answer.status).toBe(413)
  })

  it.each<[ReasonCode, string]>([
    ['SIGNAL_NOT_ACCEPTED', 'invalid_request'],
    ['INVALID_ARGUMENT', 'invalid_request'],
    ['INVALID_SIGNATURE', 'invalid_key'],
    ['INVALID_ISSUER', 'invalid_issuer'],
    ['INVALID_AUDIENCE', 'invalid_audience'],
  ])('writes %s as the error %s of RFC 8935', async (reason, err) => {
    const { answer, text } = await send({}, reason)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('content-language')).toBe('en')
    expect(JSON.parse(text)).toMatchObject({ err, description: 'Why it was refused', reason })
  })

  it.each<[ReasonCode, number]>([
    ['PROVIDER_NOT_FOUND', 404],
    ['RATE_LIMITED', 429],
    ['UNAVAILABLE', 503],
  ])('writes %s as a problem document, after which a transmitter tries again or looks', async (reason, status) => {
    const { answer, text } = await send({}, reason)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(JSON.parse(text)).toMatchObject({ reason })
  })

  it('is there under the path of the issuer too', async () => {
    const { url, rpc } = await startGateway({ baseUrl: 'https://example.com/base' })
    const headers = { 'content-type': TYPE }
    const answer = await fetch(`${url}/base/people/providers/p1/events`, { method: 'POST', headers, body: SET })
    expect(answer.status).toBe(202)
    expect(rpc.last().request).toMatchObject({ providerId: 'p1' })
  })
})
