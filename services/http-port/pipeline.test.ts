import { fork } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { rawExchange, startGateway } from '../../test/support/gateway.ts'
import { until } from '../../test/support/until.ts'

const HOST = 'HTTP/1.1\r\nhost: x\r\n'
const post = (did: string) => {
  const body = JSON.stringify({ did })
  return `POST /v1/challenge ${HOST}content-length: ${body.length}\r\n\r\n${body}`
}

it('the HTTP port answers 16 pipelined requests one after the other, in their order', async () => {
  const { port, rpc } = await startGateway()
  let running = 0
  rpc.answer(AuthnService.method.createChallenge, async ({ did }) => {
    running += 1
    // A later request needs less time, so requests that run at the same time would be answered in the wrong order.
    await new Promise((resolve) => setTimeout(resolve, 16 - Number(did)))
    expect(running).toBe(1)
    running -= 1
    return { challenge: `answer ${did}` }
  })
  const dids = Array.from({ length: 16 }, (_, index) => String(index))
  const last = `GET /health ${HOST}connection: close\r\n\r\n`
  const answers = await rawExchange(port, dids.map(post).join('') + last)
  expect(answers.match(/answer \d+/g)).toEqual(dids.map((did) => `answer ${did}`))
  expect(answers).toContain('"status":"ok"')
})

it('the HTTP port writes the answers of one turn of the event loop at its end', async () => {
  const { port, rpc } = await startGateway()
  const release = Promise.withResolvers<object>()
  rpc.answer(AuthnService.method.createChallenge, () => release.promise)
  const responses: ServerResponse[] = []
  const onStart = (message: unknown) => responses.push((message as { response: ServerResponse }).response)
  subscribe('http.server.request.start', onStart)
  onTestFinished(() => void unsubscribe('http.server.request.start', onStart))
  const answers = ['1', '2'].map((did) => rawExchange(port, `${post(did)}GET /health ${HOST}connection: close\r\n\r\n`))
  await until(
    async () => rpc.calls.length,
    (count) => count === 2,
  )
  release.resolve({ challenge: 'released' })
  // As long as only promises settle, the turn has not ended.
  for (let count = 0; count < 1_000; count += 1) await Promise.resolve()
  expect(responses.length).toBeGreaterThanOrEqual(2)
  expect(responses.some(({ headersSent }) => headersSent)).toBe(false)
  for (const answer of answers) expect(await answer).toContain('released')
})

it('the HTTP port closes a connection with more than 16 waiting requests and does not run them', async () => {
  const closedFor: string[] = []
  const { port, rpc } = await startGateway({}, { connectionClosed: (_port, reason) => closedFor.push(reason) })
  const release = Promise.withResolvers<object>()
  rpc.answer(AuthnService.method.createChallenge, () => release.promise)
  const answers = rawExchange(port, post('first') + Array.from({ length: 17 }, () => post('more')).join(''))
  expect(await answers).toBe('')
  release.resolve({})
  expect(closedFor).toEqual(['pipelined'])
  await startGateway()
  expect(rpc.calls).toHaveLength(1)
})

it('the HTTP port survives 40 connections with 64 KB of pipelined /metrics requests each in a heap of 256 MB', async () => {
  const program = new URL('../../test/support/small-heap-program.ts', import.meta.url)
  const child = fork(program, { execArgv: ['--max-old-space-size=256'], stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  let closed = 0
  child.on('message', () => (closed += 1))
  const request = `GET /metrics ${HOST}\r\n`
  const flood = request.repeat(Math.ceil((64 * 1024) / request.length))
  for (let count = 0; count < 40; count += 1) {
    const socket = connect(port, '127.0.0.1').pause()
    socket.on('error', () => undefined)
    socket.write(flood)
    onTestFinished(() => void socket.destroy())
  }
  await until(
    async () => closed,
    (count) => count === 40,
    60_000,
  )
  const answer = await fetch(`http://127.0.0.1:${port}/health`)
  expect([answer.status, child.exitCode]).toEqual([200, null])
})
