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
    [['health'], ANSWER],
    [['verify-operator', 'confirm'], ANSWER],
    [['verify-operator', 'status', '--operator-id', 'bbbbbbbb-1111-8111-8111-111111111111'], ANSWER],
    [['agents', 'list'], [ANSWER]],
    [['agents', 'approve', DID], ANSWER],
    [['agents', 'update', DID, '--label', 'x'], ANSWER],
    [['agents', 'object-to-move', DID], ANSWER],
    [['agents', 'admit', DID], ANSWER],
    [['agent-key', 'finish-move'], ANSWER],
    [['agent-scopes', 'list'], ANSWER],
    [['agent-scopes', 'set', '--scopes', 'read'], ANSWER],
    [['policy', 'get'], ANSWER],
    [['audit'], [{ ...ANSWER, ...AUDIT }]],
    [['operator', 'end-all-tokens'], ANSWER],
    [['operator', 'release', '--yes', 'example.com'], ANSWER],
    [['revoke', 'token', '--jti', 'x'], ANSWER],
    [['revoke', 'agent', '--id', DID], ANSWER],
    [['revoke', 'suspend'], ANSWER],
    [['revoke', 'reactivate'], ANSWER],
    [['revoke', 'list'], [{ ...ANSWER, status: 'revoked' }]],
    [['register', 'agent'], ANSWER],
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
      ['health', '--server', SERVER],
      against({ reason: HOSTILE, detail: HOSTILE }, 400),
    )
    expect(stdout).toBe('')
    expect(stderr.replaceAll('\n', '')).not.toMatch(TRICKS)
  })
})

it('register agent prints a command line with the DID of agent.json, not with the DID of the answer', async () => {
  const { stdout } = await runCli(['register', 'agent'], against({ id: 'x', did: '$(reboot)', status: 'pending' }))
  expect(stdout).toMatch(/agents approve did:agent:example\.com:[0-9a-f]{32}\n$/)
})
