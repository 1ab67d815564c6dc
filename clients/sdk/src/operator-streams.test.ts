import { describe, expect, it } from 'vitest'
import { generatePrivateKey } from './node/index.ts'
import { createOperator } from './operator.ts'
import type { OperatorStreams } from './operator-streams.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const STREAM = '5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7'
const ISSUER = 'https://auth.example'
const DID = `did:agent:acme.example:${'a'.repeat(32)}`
const { signer: key } = generatePrivateKey()

const stream = {
  stream_id: STREAM,
  iss: ISSUER,
  aud: `${ISSUER}/ssf/streams/${STREAM}`,
  delivery: { method: 'urn:ietf:rfc:8936', endpoint_url: `${ISSUER}/ssf/streams/${STREAM}/poll` },
  events_delivered: ['urn:x'],
}
const status = { stream_id: STREAM, status: 'paused' }
const answers: Readonly<Record<string, unknown>> = {
  'POST /ssf/stream': stream,
  'GET /ssf/stream': [stream],
  [`GET /ssf/stream?stream_id=${STREAM}`]: stream,
  'PATCH /ssf/stream': stream,
  [`GET /ssf/status?stream_id=${STREAM}`]: status,
  'POST /ssf/status': status,
}

/** The calls of an operator, and the requests that its server has received. A call without an answer gets no body. */
function opened(given = answers) {
  const sent: { readonly call: string; readonly body: unknown }[] = []
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init)
    const { pathname, search } = new URL(request.url)
    const body = await request.text()
    const call = `${request.method} ${pathname}${search}`
    sent.push({ call, body: body === '' ? undefined : JSON.parse(body) })
    return given[call] === undefined ? new Response(null, { status: 204 }) : Response.json(given[call])
  }
  const { streams } = createOperator({ server: ISSUER, operatorId: ID, key, fetch })
  return { streams, sent }
}

type Case = [string, (calls: OperatorStreams) => Promise<unknown>, unknown, string, unknown]

describe('operator.streams', () => {
  it.each<Case>([
    ['create', (calls) => calls.create(), stream, 'POST /ssf/stream', {}],
    [
      'create with push',
      (calls) =>
        calls.create({ delivery: { push: 'https://a.example/', authorization: 'Bearer x' }, events: ['urn:x'] }),
      stream,
      'POST /ssf/stream',
      {
        delivery: { method: 'urn:ietf:rfc:8935', endpoint_url: 'https://a.example/', authorization_header: 'Bearer x' },
        events_requested: ['urn:x'],
      },
    ],
    ['list', (calls) => calls.list(), [stream], 'GET /ssf/stream', undefined],
    ['get', (calls) => calls.get(STREAM), stream, `GET /ssf/stream?stream_id=${STREAM}`, undefined],
    [
      'update',
      (calls) => calls.update(STREAM, { delivery: { poll: true }, description: '' }),
      stream,
      'PATCH /ssf/stream',
      { stream_id: STREAM, delivery: { method: 'urn:ietf:rfc:8936' }, description: '' },
    ],
    ['delete', (calls) => calls.delete(STREAM), undefined, `DELETE /ssf/stream?stream_id=${STREAM}`, undefined],
    ['status', (calls) => calls.status(STREAM), status, `GET /ssf/status?stream_id=${STREAM}`, undefined],
    [
      'setStatus',
      (calls) => calls.setStatus(STREAM, 'paused', 'moving'),
      status,
      'POST /ssf/status',
      { stream_id: STREAM, status: 'paused', reason: 'moving' },
    ],
    ['verify', (calls) => calls.verify(STREAM, 's'), undefined, 'POST /ssf/verify', { stream_id: STREAM, state: 's' }],
    [
      'addSubject',
      (calls) => calls.addSubject(STREAM, { did: DID }),
      undefined,
      'POST /ssf/subjects:add',
      { stream_id: STREAM, subject: { format: 'did', url: DID } },
    ],
    [
      'removeSubject',
      (calls) => calls.removeSubject(STREAM, { jti: 'j' }),
      undefined,
      'POST /ssf/subjects:remove',
      { stream_id: STREAM, subject: { format: 'jwt_id', iss: ISSUER, jti: 'j' } },
    ],
  ])('%s sends its call, and reads the answer', async (_, run, expected, call, body) => {
    const { streams, sent } = opened()
    expect(await run(streams)).toEqual(expected)
    expect(sent).toEqual([{ call, body }])
  })

  it('refuses a stream without a delivery, an id that is no UUID, and a member that it does not know', async () => {
    const { streams, sent } = opened({ [`GET /ssf/stream?stream_id=${STREAM}`]: { ...stream, delivery: undefined } })
    await expect(streams.get(STREAM)).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
    await expect(streams.get('x')).rejects.toThrow(TypeError)
    // @ts-expect-error The member is misspelt.
    await expect(streams.create({ desciption: 'x' })).rejects.toThrow('description')
    expect(sent).toHaveLength(1)
  })
})
