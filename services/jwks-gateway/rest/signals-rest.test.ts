import { expect, it } from 'vitest'
import { SignalService } from '../../../gen/proto/auth4agent/v1/signals_pb.ts'
import { startGateway } from '../../../test/support/gateway.ts'
import { signalAnswers } from '../../signals/representations.ts'

const { method } = SignalService
const ID = '5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7'
const stream = {
  streamId: ID,
  iss: 'https://auth.example',
  aud: `https://auth.example/ssf/streams/${ID}`,
  delivery: { method: 'urn:ietf:rfc:8935', endpointUrl: 'https://events.example/' },
  eventsSupported: ['urn:a', 'urn:b'],
  eventsRequested: ['urn:b', 'urn:c'],
  eventsDelivered: ['urn:b'],
  minVerificationInterval: 30,
  description: 'siem',
}
const open = () => startGateway({}, { representations: signalAnswers })
const json = { 'content-type': 'application/json' }

it.each([
  ['with all properties', stream],
  ['without what the receiver has not given', { ...stream, eventsRequested: [], description: '' }],
])('a stream %s has the same JSON when it is made, read and listed', async (_, given) => {
  const { url, rpc } = await open()
  rpc.answer(method.createStream, () => ({ stream: given }))
  rpc.answer(method.readStreams, ({ streamId }) => (streamId === '' ? { streams: [given] } : { stream: given }))
  const created = await fetch(`${url}/ssf/stream`, { method: 'POST', headers: json, body: '{}' })
  expect(created.status).toBe(201)
  const text = await created.text()
  expect(Object.keys(JSON.parse(text)).includes('description')).toBe(given.description !== '')
  const read = await fetch(`${url}/ssf/stream?stream_id=${ID}`)
  expect([read.status, read.headers.get('content-type')]).toStrictEqual([200, 'application/json'])
  expect(await read.text()).toBe(text)
  expect(await (await fetch(`${url}/ssf/stream`)).text()).toBe(`[${text}]`)
})

it('a poll is answered with an object of tokens, in their order', async () => {
  const { url, rpc } = await open()
  const sets = ['b', '__proto__', 'a'].map((jti) => ({ jti, set: `set of ${jti}` }))
  rpc.answer(method.pollEvents, () => ({ sets, moreAvailable: true }))
  const body = '{"maxEvents":3,"returnImmediately":true,"ack":["x"],"setErrs":{"y":{"err":"invalid_key"}}}'
  const answer = await fetch(`${url}/ssf/streams/${ID}/poll`, { method: 'POST', headers: json, body })
  expect(await answer.text()).toBe(
    '{"sets":{"b":"set of b","__proto__":"set of __proto__","a":"set of a"},"moreAvailable":true}',
  )
  expect(rpc.last().request).toMatchObject({
    streamId: ID,
    maxEvents: 3,
    returnImmediately: true,
    ack: ['x'],
    setErrs: { y: { err: 'invalid_key' } },
  })
})

it.each([
  ['DELETE', `/ssf/stream?stream_id=${ID}`, 204],
  ['POST', '/ssf/subjects:add', 200],
  ['POST', '/ssf/subjects:remove', 204],
  ['POST', '/ssf/verify', 204],
] as const)('%s %s is answered with %i and no body', async (verb, path, status) => {
  const { url } = await open()
  const answer = await fetch(url + path, { method: verb, ...(verb === 'POST' && { headers: json, body: '{}' }) })
  const { headers } = answer
  expect([answer.status, await answer.text(), headers.get('content-type')]).toStrictEqual([status, '', null])
  expect(headers.get('cache-control')).toBe('no-store')
})
