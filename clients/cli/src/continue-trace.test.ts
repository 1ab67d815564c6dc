import { expect, it } from 'vitest'
import { runCli } from '../../../test/support/cli.ts'

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

async function sentBy(env: Record<string, string>) {
  const sent: (string | null)[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    sent.push(new Request(input, init).headers.get('traceparent'))
    return Response.json({}, { status: 500 })
  }
  await runCli(['server', 'status', '--server', 'http://localhost:1234'], { env, fetch })
  return [...new Set(sent)]
}

it('each request continues the trace in TRACEPARENT', async () => {
  expect(await sentBy({ TRACEPARENT })).toEqual([TRACEPARENT])
})

it.each(['', 'x', TRACEPARENT.toUpperCase(), TRACEPARENT.replace('00-', 'ff-'), `${TRACEPARENT}\r\nx: y`])(
  'a malformed TRACEPARENT is ignored: %j',
  async (traceparent) => {
    expect(await sentBy({ TRACEPARENT: traceparent })).toEqual([null])
  },
)
