import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { updateOperatorConfig } from '@auth4agent/sdk/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../../test/support/cli.ts'

/** Text that moves the cursor, sets colours, reverses text and ends lines. */
const HOSTILE = 'x\u001b[2J\u009b31m\u202ey\u2066\r\nz'
const TRICKS = /[\p{Cc}\p{Cf}]/u
const SERVER = 'http://localhost:1234'
const DID = 'did:agent:example.com:21fe31dfa154a261626bf854046fd227'
const ANSWER = {
  id: HOSTILE,
  domain: HOSTILE,
  did: HOSTILE,
  agent_did: HOSTILE,
  status: HOSTILE,
  message: HOSTILE,
  label: HOSTILE,
  jti: HOSTILE,
  verified: false,
  updated: true,
  allowed_scopes: [HOSTILE],
  audiences: [{ audience: HOSTILE, callers: [HOSTILE] }],
  require_bound_challenges: false,
  epoch: 1,
  txt_record_name: HOSTILE,
  txt_record_value: HOSTILE,
  domain_verified_at: HOSTILE,
  ended_at: HOSTILE,
  digest: HOSTILE,
  moved_to: HOSTILE,
  move_at: HOSTILE,
  released_at: HOSTILE,
  revoked_at: HOSTILE,
  suspended_at: HOSTILE,
  reactivated_at: HOSTILE,
}
const AUDIT = { at: HOSTILE, actor: HOSTILE, action: HOSTILE, subject: HOSTILE, outcome: HOSTILE, reason: HOSTILE }

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-hostile-'))
  const init = ['init', '--domain', 'example.com', '--server', SERVER]
  await runCli(init, { home })
  await runCli([...init, '--operator'], { home })
  await updateOperatorConfig(join(home, '.auth4agents'), { id: 'aaaaaaaa-1111-8111-8111-111111111111' })
})
afterAll(() => rm(home, { recursive: true }))

const against = (answer: unknown, status = 200) => ({
  home,
  fetch: () => Promise.resolve(Response.json(answer, { status })),
})

describe("control characters in a server's answer", () => {
  it.each([
    [['server', 'status'], ANSWER],
    [['operator', 'confirm'], ANSWER],
    [['operator', 'status', '--operator-id', 'bbbbbbbb-1111-8111-8111-111111111111'], ANSWER],
    [['agent', 'list'], [ANSWER]],
    [['agent', 'approve', DID], ANSWER],
    [['agent', 'update', DID, '--label', 'x'], ANSWER],
    [['agent', 'object-to-move', DID], ANSWER],
    [['agent', 'admit', DID], ANSWER],
    [['agent', 'finish-move'], ANSWER],
    [['scope', 'list'], ANSWER],
    [['scope', 'set', '--scopes', 'read'], ANSWER],
    [['policy', 'show'], ANSWER],
    [['audit', 'list'], [{ ...ANSWER, ...AUDIT }]],
    [['operator', 'end-all-tokens'], ANSWER],
    [['operator', 'release-domain', '--confirm-name', 'example.com'], ANSWER],
    [['token', 'revoke', '--jti', 'x'], ANSWER],
    [['agent', 'revoke', '--id', DID], ANSWER],
    [['agent', 'suspend'], ANSWER],
    [['agent', 'reactivate'], ANSWER],
    [['agent', 'list-revoked'], [{ ...ANSWER, status: 'revoked' }]],
    [['agent', 'register'], ANSWER],
    [['doctor', '--timeout', '1'], ANSWER],
  ])('are not printed by %j', async (args, answer) => {
    const options = against(answer)
    const { stdout, stderr } = await runCli(args, options)
    expect(stdout + stderr).toContain('z')
    expect((stdout + stderr).replaceAll('\n', '')).not.toMatch(TRICKS)
    const json = await runCli([...args, '--json'], options)
    expect(json.stdout.trimEnd()).not.toMatch(TRICKS)
    expect(JSON.parse(json.stdout)).toBeTypeOf('object')
  })

  it('are not printed from a refusal', async () => {
    const { stdout, stderr } = await runCli(
      ['server', 'status', '--server', SERVER],
      against({ reason: HOSTILE, detail: HOSTILE }, 400),
    )
    expect(stdout).toBe('')
    expect(stderr.replaceAll('\n', '')).not.toMatch(TRICKS)
  })
})

it('agent register prints a command line with the DID of agent.json, not with the DID of the answer', async () => {
  const { stdout } = await runCli(['agent', 'register'], against({ id: 'x', did: '$(reboot)', status: 'pending' }))
  expect(stdout).toMatch(/agent approve did:agent:example\.com:[0-9a-f]{32}\n$/)
})
