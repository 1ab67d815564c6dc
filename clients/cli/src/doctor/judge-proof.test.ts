import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import { expect, it } from 'vitest'
import { judgeProof } from './judge-proof.ts'

const subject = { issuer: 'https://auth.example', operatorId: 'op-1', thumbprint: 'key-1' }
const OURS = 'v=a4a1; iss=https://auth.example; op=op-1; rk=key-1'
const ABSENT: TxtAnswer = { kind: 'absent' }
const levels = (...answers: readonly TxtAnswer[]) =>
  judgeProof(
    answers.map((answer) => ({ resolver: 'r', answer })),
    'acme.example',
    subject,
  ).map(({ level }) => level)
const records = (...texts: readonly string[]): TxtAnswer => ({ kind: 'records', records: texts })

it.each([
  ['the right proof', records('v=spf1 -all', OURS), 'ok'],
  ['the right proof twice', records(OURS, OURS), 'ok'],
  ['no record', ABSENT, 'problem'],
  ['no proof for this server', records(OURS.replace('auth.example', 'other.example')), 'problem'],
  ['a proof for another key', records(OURS.replace('key-1', 'key-2')), 'problem'],
  ['a proof for another operator', records(OURS.replace('op-1', 'op-2')), 'problem'],
  ['two proofs for this server', records(OURS, OURS.replace('op-1', 'op-2')), 'problem'],
  ['no answer', { kind: 'failed', why: 'ETIMEOUT' } as const, 'warning'],
])('judgeProof judges %s', (_name, answer, level) => {
  expect(levels(answer)).toEqual([level])
})

it('judgeProof returns a warning for a missing proof if another resolver sees the proof', () => {
  expect(levels(records(OURS), ABSENT)).toEqual(['ok', 'warning'])
})

it('judgeProof returns the record to publish as the cure', () => {
  const [finding] = judgeProof([{ resolver: '192.0.2.1', answer: ABSENT }], 'acme.example', subject)
  expect(finding).toMatchObject({
    check: 'dns 192.0.2.1',
    cure: `Publish exactly one TXT record at _auth4agents.acme.example: ${OURS}`,
  })
})
