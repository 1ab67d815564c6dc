import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { openOutbound, startOutside } from '../../../test/support/outside-server.ts'
import { OutboundError, type OutboundWhy } from '../../platform/outbound/outbound-error.ts'
import { pushSet } from './push-set.ts'

const TYPE = { 'content-type': 'application/json' }
const saying =
  (status: number, body = '', headers: Record<string, string> = TYPE) =>
  (request: IncomingMessage, response: ServerResponse) => {
    request.resume().on('end', () => response.writeHead(status, headers).end(body))
  }

const defect = () => Promise.reject(new TypeError('a defect'))

describe('pushSet', () => {
  it('sends a token as RFC 8935 wants it, with the header of the receiver', async () => {
    const { port, requests } = await startOutside(saying(202))
    const { outbound } = openOutbound()
    const endpoint = { url: `http://events.alpha.test:${port}/`, operatorId: 'o', authorization: 'Bearer abc' }
    expect(await pushSet(outbound, endpoint, 'a.b.c')).toEqual({ kind: 'delivered' })
    expect(requests[0]?.headers).toMatchObject({
      'content-type': 'application/secevent+jwt',
      accept: 'application/json',
      authorization: 'Bearer abc',
    })
  })

  it.each<[name: string, status: number, body: string, outcome: object]>([
    ['202', 202, '', { kind: 'delivered' }],
    ['200', 200, 'anything', { kind: 'delivered' }],
    ['204', 204, '', { kind: 'delivered' }],
    ['400 with an error', 400, '{"err":"invalid_key"}', { kind: 'refused', err: 'invalid_key' }],
    ['400 with a description', 400, '{"err":"x","description":"y"}', { kind: 'refused', err: 'x' }],
    ['400 without a body', 400, '', { kind: 'failed', why: 'STATUS' }],
    ['400 without an error', 400, '{"error":"invalid_key"}', { kind: 'failed', why: 'STATUS' }],
    ['400 with an error that is no text', 400, '{"err":{"a":1}}', { kind: 'failed', why: 'STATUS' }],
    ['400 with two errors', 400, '{"err":"a","err":"b"}', { kind: 'failed', why: 'STATUS' }],
    ['400 with an error of two lines', 400, '{"err":"a\\nb"}', { kind: 'failed', why: 'STATUS' }],
    ['400 with a long error', 400, `{"err":"${'a'.repeat(65)}"}`, { kind: 'failed', why: 'STATUS' }],
    ['400 with a list', 400, '["err"]', { kind: 'failed', why: 'STATUS' }],
    ['400 with a body of more than 4 KiB', 400, ' '.repeat(4_097), { kind: 'failed', why: 'TOO_LARGE' }],
    ['401', 401, '{"err":"authentication_failed"}', { kind: 'failed', why: 'STATUS' }],
    ['404', 404, '', { kind: 'failed', why: 'STATUS' }],
    ['429', 429, '', { kind: 'failed', why: 'STATUS' }],
    ['500', 500, '{"err":"invalid_key"}', { kind: 'failed', why: 'STATUS' }],
  ])('takes status %s for its outcome', async (_name, status, body, outcome) => {
    const { port } = await startOutside(saying(status, body))
    const { outbound } = openOutbound()
    const endpoint = { url: `http://events.alpha.test:${port}/`, operatorId: 'o', authorization: undefined }
    expect(await pushSet(outbound, endpoint, 'a.b.c')).toEqual(outcome)
  })

  it('does not take a page with status 400 for a refusal of the receiver', async () => {
    const { port } = await startOutside(saying(400, '{"err":"invalid_key"}', { 'content-type': 'text/html' }))
    const { outbound } = openOutbound()
    const endpoint = { url: `http://events.alpha.test:${port}/`, operatorId: 'o', authorization: undefined }
    expect(await pushSet(outbound, endpoint, 'a.b.c')).toEqual({ kind: 'failed', why: 'MEDIA_TYPE' })
  })

  it.each<[why: OutboundWhy, outcome: object]>([
    ['BUSY', { kind: 'held', delayMs: 1_000 }],
    ['CIRCUIT_OPEN', { kind: 'held', delayMs: 5_000 }],
    ['CLOSED', { kind: 'held', delayMs: 0 }],
    ['TIMEOUT', { kind: 'failed', why: 'TIMEOUT' }],
    ['ADDRESS_REFUSED', { kind: 'failed', why: 'ADDRESS_REFUSED' }],
    ['URL_REFUSED', { kind: 'failed', why: 'URL_REFUSED' }],
  ])('returns for %s whether the receiver has failed', async (why, outcome) => {
    const deliver = () => Promise.reject(new OutboundError(why, 'failed'))
    expect(
      await pushSet({ deliver }, { url: 'https://a.example', operatorId: 'o', authorization: undefined }, 'a'),
    ).toEqual(outcome)
  })

  it('throws what is not the fault of the receiver', async () => {
    const push = pushSet(
      { deliver: defect },
      { url: 'https://a.example', operatorId: 'o', authorization: undefined },
      'a',
    )
    await expect(push).rejects.toThrow(TypeError)
  })
})
