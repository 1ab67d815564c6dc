import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type AttestationTool,
  BASE,
  key,
  openAttestationTool,
  refusedRun,
  usual,
} from '../../../../test/support/attestation-cli.ts'

let tool: AttestationTool
beforeAll(async () => {
  tool = await openAttestationTool()
})
afterAll(() => tool[Symbol.asyncDispose]())

const ran: AttestationTool['ran'] = (...given) => tool.ran(...given)

describe('rules', () => {
  it('set sends the flags, or the file', async () => {
    const flags =
      '--all-of kubernetes,ci --scope a,b --aud x --label l --token-ttl 5m --max-agents 7 --expire-unused 1h --end-tokens'
    expect((await ran(`enrolment-rule set pods ${flags}`, ['--when', 'claims.ci.ref == "x"'])).sent[0]?.body).toEqual({
      rule: {
        all_of: ['kubernetes', 'ci'],
        when: 'claims.ci.ref == "x"',
        label: 'l',
        scopes: ['a', 'b'],
        audiences: ['x'],
        token_ttl: 300,
        max_agents: 7,
        expire_unused: 3600,
        end_tokens: true,
      },
    })
    const { sent } = await ran('enrolment-rule set pods --file #rule.json')
    expect(sent).toEqual([
      { call: `PUT ${BASE}/enrolment-rules/pods`, body: { rule: { all_of: ['kubernetes'], scopes: ['x'] } } },
    ])
  })

  it('list and delete show what the server says', async () => {
    expect((await ran('enrolment-rule list')).stdout).toMatch(/pods +kubernetes +orders:read/)
    expect((await ran('enrolment-rule delete pods')).sent[0]?.call).toBe(`DELETE ${BASE}/enrolment-rules/pods`)
  })

  it('test says what an agent would get', async () => {
    const { code, stdout } = await ran('enrolment-rule test --evidence #token --attestor kubernetes')
    expect(code).toBe(0)
    expect(stdout).toContain(
      'An agent with this evidence would enrol by the rule pods. It would get the label "billing/api" and the scopes orders:read.',
    )
  })

  it('test explains each condition with the values seen, and ends with 1 if an agent would be refused', async () => {
    const { code, stdout } = await ran('enrolment-rule test --evidence #token', [], {
      ...usual,
      [`POST ${BASE}/rules:dry-run`]: refusedRun,
    })
    expect(code).toBe(1)
    expect(stdout).toBe(
      [
        'Evidence',
        '  ✓ kubernetes accepts it (type kubernetes, level bearer, counts until 2026-11-27T17:10:00Z)',
        '      claims.kubernetes.namespace = "billing"',
        '      enrolment also needs: A nonce of the server',
        '',
        'Rules',
        '  ✗ pods is not met',
        '      ✓ kubernetes: true',
        '      ✗ claims.kubernetes.namespace == "orders": false',
        '          saw claims.kubernetes.namespace = "billing"',
        '',
        'An agent with this evidence would be refused: The claims meet no rule?[2J',
        '',
      ].join('\n'),
    )
  })

  it('test sends evidence for several attestors, its binding, and rules that are not in force', async () => {
    const publicKey = key.publicKey.toString('base64')
    const { code, sent, stdout } = await ran(
      `enrolment-rule test --evidence kubernetes=#token --evidence ci=#binary --rules #rule.json --agent-key ${publicKey} --nonce n`,
      ['--quiet'],
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'pods\n' })
    expect(sent[0]?.body).toEqual({
      agent_public_key: publicKey,
      attestation: {
        nonce: 'n',
        evidence: [
          { attestor: 'kubernetes', evidence: Buffer.from('a.b.c').toString('base64') },
          { attestor: 'ci', evidence: Buffer.from([0xd2, 0x84, 0x0a]).toString('base64') },
        ],
      },
      rules: [{ name: 'tried', all_of: ['kubernetes'], scopes: ['x'] }],
    })
  })
})

describe('requirements', () => {
  it('set sends the flags', async () => {
    const flags = '--any-of kubernetes,ci --scope pay:* --aud x --agent did:x --level bound --max-age 10m --at token'
    expect((await ran(`requirement set fresh ${flags}`)).sent[0]?.body).toEqual({
      requirement: {
        any_of: ['kubernetes', 'ci'],
        agents: ['did:x'],
        scopes: ['pay:*'],
        audiences: ['x'],
        level: 'bound',
        max_age: 600,
        at: ['token'],
      },
    })
  })

  it('list and delete show what the server says', async () => {
    expect((await ran('requirement list')).stdout).toMatch(/fresh +kubernetes or ci +bound +pay:\* +all +all/)
    const { sent } = await ran('requirement delete fresh')
    expect(sent[0]?.call).toBe(`DELETE ${BASE}/attestation-requirements/fresh`)
  })
})
