import { chmod } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AttestationTool, openAttestationTool } from '../../../../test/support/attestation-cli.ts'

const STREAM = '5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7'
const DID = `did:agent:partner.example:${'a'.repeat(32)}`
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
const POLL = `http://localhost:1234/ssf/streams/${STREAM}/poll`
const stream = {
  stream_id: STREAM,
  iss: 'http://localhost:1234',
  aud: `http://localhost:1234/ssf/streams/${STREAM}`,
  delivery: { method: 'urn:ietf:rfc:8936', endpoint_url: POLL },
  events_delivered: [`${CAEP}session-revoked`],
  description: 'siem\u001b[2J',
}
const answers = {
  'POST /ssf/stream': stream,
  'GET /ssf/stream': stream,
  'PATCH /ssf/stream': stream,
  'GET /ssf/status': { stream_id: STREAM, status: 'paused', reason: 'moving' },
  'POST /ssf/status': { stream_id: STREAM, status: 'enabled' },
}

let tool: AttestationTool
beforeAll(async () => {
  tool = await openAttestationTool()
  await chmod(tool.at('token'), 0o600)
})
afterAll(() => tool[Symbol.asyncDispose]())

const ran = (line: string, more: readonly string[] = [], given: Record<string, unknown> = answers) =>
  tool.ran(line, more, given)

describe('stream', () => {
  it('create asks for a stream that is polled, and shows where', async () => {
    const { code, stdout, sent } = await ran('stream create --description siem')
    expect(sent).toEqual([{ call: 'POST /ssf/stream', body: { description: 'siem' } }])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(`poll at: ${POLL}`) })
    expect(stdout).not.toContain('\u001b')
  })

  it('create --push sends the header of the file and whole types of events, and never shows the header', async () => {
    const line =
      'stream create --push https://a.example/ --authorization-file #token --event session-revoked --event urn:x'
    const { stdout, stderr, sent } = await ran(line)
    const delivery = {
      method: 'urn:ietf:rfc:8935',
      endpoint_url: 'https://a.example/',
      authorization_header: 'a.b.c',
    }
    expect(sent[0]?.body).toEqual({ delivery, events_requested: [`${CAEP}session-revoked`, 'urn:x'] })
    expect(stdout + stderr).not.toContain('a.b.c')
  })

  it('list shows the streams, and show one of them', async () => {
    expect((await ran('stream list', [], { 'GET /ssf/stream': [stream] })).stdout).toMatch(
      new RegExp(`${STREAM} +poll`),
    )
    expect((await ran('stream list', [], { 'GET /ssf/stream': [] })).stdout).toContain('there is no stream')
    const { stdout } = await ran(`stream show ${STREAM}`)
    expect(stdout).toContain('events: session-revoked')
    expect(stdout).toContain('status: paused\nreason: moving\nlag: none, no event waits\nlast failure: none\n')
  })

  it('show and status tell the lag and the last failure', async () => {
    const since = new Date(Date.now() - 120_000).toISOString()
    const late = { waiting_since: since, failures: 3, last_failure: 'TIMEOUT\u001b', last_failure_at: since }
    const given = { ...answers, 'GET /ssf/status': { stream_id: STREAM, status: 'enabled', ...late } }
    for (const command of ['show', 'status']) {
      const { stdout } = await ran(`stream ${command} ${STREAM}`, [], given)
      expect(stdout).toMatch(/^lag: 1[12]\d s, because an event of /m)
      expect(stdout).toContain(`failed attempts since a success: 3\nlast failure: TIMEOUT? at ${since}`)
    }
    const { stdout } = await ran(`stream show ${STREAM}`, ['--json'], given)
    expect(JSON.parse(stdout)).toMatchObject({ stream_id: STREAM, status: { failures: 3, waiting_since: since } })
  })

  it('update sends only what is named', async () => {
    const { sent } = await ran(`stream update ${STREAM} --poll`)
    expect(sent).toEqual([
      { call: 'PATCH /ssf/stream', body: { stream_id: STREAM, delivery: { method: 'urn:ietf:rfc:8936' } } },
    ])
  })

  it('status shows the status, and --set changes it', async () => {
    expect(await ran(`stream status ${STREAM}`)).toMatchObject({
      stdout: expect.stringContaining('status: paused\nreason: moving'),
      sent: [{ call: 'GET /ssf/status' }],
    })
    const { sent } = await ran(`stream status ${STREAM} --set enabled`)
    expect(sent).toEqual([{ call: 'POST /ssf/status', body: { stream_id: STREAM, status: 'enabled' } }])
  })

  it('verify, subject and delete send their calls', async () => {
    const calls = [
      `stream verify ${STREAM} --state hello`,
      `stream add-subject ${STREAM} --did ${DID}`,
      `stream remove-subject ${STREAM} --jti j1`,
      `stream delete ${STREAM}`,
    ]
    const sent = await Promise.all(calls.map(async (line) => (await ran(line)).sent[0]))
    expect(sent).toEqual([
      { call: 'POST /ssf/verify', body: { stream_id: STREAM, state: 'hello' } },
      { call: 'POST /ssf/subjects:add', body: { stream_id: STREAM, subject: { format: 'did', url: DID } } },
      {
        call: 'POST /ssf/subjects:remove',
        body: { stream_id: STREAM, subject: { format: 'jwt_id', iss: 'http://localhost:1234', jti: 'j1' } },
      },
      { call: 'DELETE /ssf/stream', body: undefined },
    ])
  })

  it.each([
    ['update without a change', `stream update ${STREAM}`],
    ['--push and --poll', `stream update ${STREAM} --push https://a.example/ --poll`],
    ['a header without --push', `stream update ${STREAM} --authorization-file #token`],
    ['an unknown status', `stream status ${STREAM} --set stopped`],
    ['a reason without a status', `stream status ${STREAM} --reason x`],
    ['an unknown choice', `stream subject drop ${STREAM} --jti j1`],
    ['no subject', `stream add-subject ${STREAM}`],
    ['two subjects', `stream add-subject ${STREAM} --jti j1 --did ${DID}`],
    ['an id that is no UUID', 'stream show mine'],
  ])('refuses %s before it asks the server', async (_, line) => {
    const { code, sent } = await ran(line)
    expect({ code, sent }).toEqual({ code: 2, sent: [] })
  })
})
