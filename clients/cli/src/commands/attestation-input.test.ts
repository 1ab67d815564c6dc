import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AttestationTool, attestor, BASE, openAttestationTool } from '../../../../test/support/attestation-cli.ts'

let tool: AttestationTool
beforeAll(async () => {
  tool = await openAttestationTool()
})
afterAll(() => tool[Symbol.asyncDispose]())

const ran: AttestationTool['ran'] = (...given) => tool.ran(...given)

describe('bad input', () => {
  it.each([
    ['no type', 'attestor add kubernetes', 'Missing: --type TYPE'],
    ['a name with a dash', 'attestor add my-pods --type oidc', 'The name of this attestor'],
    [
      'a setting without a value',
      'attestor add kubernetes --type oidc --setting issuer',
      '--setting must be NAME=VALUE',
    ],
    ['a setting twice', 'attestor add kubernetes --type oidc --setting a=1 --setting a=2', '--setting names a twice'],
    [
      'a configuration that is a list',
      'attestor add kubernetes --type oidc --file #list.json',
      'must be a JSON object',
    ],
    [
      'a lifetime that is none',
      'attestor add kubernetes --type oidc --result-ttl soon',
      '--result-ttl must be a duration',
    ],
    ['a join token without a label', 'attestor create-join-token join_token', 'Missing: --label LABEL'],
    [
      'a join token with a wrong lifetime',
      'attestor create-join-token join_token --label x --ttl soon',
      '--ttl must be a duration',
    ],
    ['an id that is no UUID', 'attestor delete-join-token join_token x', 'must be a UUID'],
    ['a rule without attestors', 'enrolment-rule set pods --scope x', '--all-of or by --any-of'],
    ['a rule with both lists', 'enrolment-rule set pods --all-of a --any-of b', '--all-of or by --any-of'],
    [
      'a rule with a file and flags',
      'enrolment-rule set pods --file #rule.json --scope x',
      'No other flag can go with --file',
    ],
    ['a rule with a misspelt member', 'enrolment-rule set pods --file #jwks.json', 'Unknown member of a rule "keys"'],
    ['a name of a rule in upper case', 'enrolment-rule set Pods --all-of a', 'The name of this rule'],
    [
      'a number that is none',
      'enrolment-rule set pods --all-of a --max-agents many',
      '--max-agents must be a whole number',
    ],
    ['a duration that is none', 'enrolment-rule set pods --all-of a --token-ttl x', '--token-ttl must be a duration'],
    [
      'an unknown level',
      'requirement set fresh --all-of a --level strong',
      '--level must be bearer, bound or hardware',
    ],
    [
      'an unknown time',
      'requirement set fresh --all-of a --demand-at noon',
      '--demand-at must be registration or token',
    ],
    ['no evidence', 'enrolment-rule test', 'Missing: --evidence FILE'],
    [
      'two files without attestors',
      'enrolment-rule test --evidence #token --evidence #token',
      'ATTESTOR=FILE if there are several',
    ],
    [
      'a key that is none',
      'enrolment-rule test --evidence a=#token --agent-key AAAA',
      '--agent-key must be base64 of 32 bytes',
    ],
    ['rules that are no rules', 'enrolment-rule test --evidence a=#token --rules #list.json', 'must be a JSON object'],
  ])('%s: ends with 2, and sends nothing', async (_, line, message) => {
    const { code, stderr, sent } = await ran(line)
    expect({ code, sent, stderr }).toEqual({ code: 2, sent: [], stderr: expect.stringContaining(message) })
  })

  it.each([
    ['a file that is missing', 'enrolment-rule test --evidence a=#none', 'cannot be read'],
    ['a file that is empty', 'enrolment-rule test --evidence a=#empty', 'The evidence is empty'],
    ['a setting of a missing file', 'attestor add kubernetes --type oidc --setting jwks=@none', 'cannot be read'],
  ])('%s: ends with 4, and sends nothing', async (_, line, message) => {
    const { code, stderr, sent } = await ran(line)
    expect({ code, sent, stderr }).toEqual({ code: 4, sent: [], stderr: expect.stringContaining(message) })
  })

  it('evidence without an attestor if there are several: names them', async () => {
    const attestors = [attestor, { ...attestor, name: 'ci' }]
    const answers = { [`GET ${BASE}/attestors`]: { attestors } }
    const { code, stderr } = await ran('enrolment-rule test --evidence #token', [], answers)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('There are kubernetes, ci') })
  })
})
