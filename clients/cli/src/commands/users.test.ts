import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AttestationTool, BASE, openAttestationTool } from '../../../../test/support/attestation-cli.ts'

const SUBJECT = 'user:9sKxGXkSsGS3FWtdVEtMBw'
const user = {
  subject: SUBJECT,
  status: 'active',
  provider: 'work',
  tenant: 't1',
  provider_subject: '00u1',
  name: 'Alice \u001b[31mred',
  groups: ['staff', 'admins'],
}
const removed = { subject: SUBJECT, status: 'removed', groups: [] }
const answers = {
  [`GET ${BASE}/users`]: { users: [user] },
  [`POST ${BASE}/users/${SUBJECT}/disable`]: { user: { ...user, status: 'disabled' } },
  [`POST ${BASE}/users/${SUBJECT}/enable`]: { user },
  [`DELETE ${BASE}/users/${SUBJECT}`]: { user: removed },
}

let tool: AttestationTool
beforeAll(async () => {
  tool = await openAttestationTool()
})
afterAll(() => tool[Symbol.asyncDispose]())

const ran = (line: string, given: Record<string, unknown> = answers) => tool.ran(line, [], given)

describe('user', () => {
  it('list shows the users, and no name can change the terminal', async () => {
    const { code, stdout } = await ran('user list')
    expect(code).toBe(0)
    expect(stdout).toMatch(/user:9sKxGXkSsGS3FWtdVEtMBw +active +work +Alice/)
    expect(stdout).not.toContain('\u001b[31mred')
    expect((await ran('user list', { [`GET ${BASE}/users`]: { users: [] } })).stdout).toContain('no users')
  })

  it('disable sends the reason, and shows who the user is', async () => {
    const { code, stdout, sent } = await ran(`user disable ${SUBJECT} --reason left`)
    expect(code).toBe(0)
    expect(sent).toEqual([{ call: `POST ${BASE}/users/${SUBJECT}/disable`, body: { reason: 'left' } }])
    expect(stdout).toContain('user disabled')
    expect(stdout).toContain('known there as: 00u1')
    expect(stdout).toContain('groups: staff, admins')
  })

  it('enable and remove show what the server says', async () => {
    expect((await ran(`user enable ${SUBJECT}`)).stdout).toContain('status: active')
    expect((await ran(`user remove ${SUBJECT}`)).stdout).toContain('status: removed')
  })

  it('refuses what is no subject of a user, and sends nothing', async () => {
    for (const line of ['disable alice', 'enable did:agent:a:b', 'remove ..', 'list --status removed']) {
      expect(await ran(`user ${line}`)).toMatchObject({ code: 2, sent: [] })
    }
  })
})
