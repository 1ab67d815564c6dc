import { describe, expect, it } from 'vitest'
import { checkHistory, countHistory, type Minimums } from './check-history.ts'
import type { Action, AuditRow, ChangeName, History, Operation, Outcome } from './history.ts'

const NOTHING: Minimums = {
  revocations: 0,
  revocationsDuringFaults: 0,
  verifications: 0,
  verificationsDuringFaults: 0,
}
const ok = { kind: 'ok' } as const
const lost = { kind: 'unknown', why: 'a broken connection' } as const
const RECOVERED = 1_000

let numbers = 0
/** Creates an operation from `begin` to `end`, with a new request id unless one is given. */
function operation(begin: number, end: number, action: Action, outcome: Outcome = ok, requestId = ''): Operation {
  numbers += 1
  return { requestId: requestId || `r${numbers}`, at: 'one', begin, end, action, outcome }
}
const holder = { agent: 'a', operator: 'o' }
const issue = (begin: number, end: number, jti: string, challenge = `c-${jti}`) =>
  operation(begin, end, { name: 'token', challenge, jti, ...holder }, ok, `issue-${jti}-${begin}`)
const verify = (begin: number, jti: string, isValid: boolean, at = 'one', verdict = 'TOKEN_REVOKED') => ({
  ...operation(begin, begin + 1, { name: 'verify', jti, isValid, ...(isValid ? {} : { verdict }) }),
  at,
})
const change = (begin: number, end: number, name: ChangeName, subject: string, outcome: Outcome = ok, requestId = '') =>
  operation(begin, end, { name, subject }, outcome, requestId)

const AUDITED: Readonly<Record<string, string>> = {
  'revoke-token': 'token.revoke',
  'suspend-agent': 'agent.suspend',
  'reactivate-agent': 'agent.reactivate',
  'narrow-scopes': 'agent.set-scopes',
  'suspend-operator': 'operator.suspend',
  'end-operator-tokens': 'operator.end-all-tokens',
}
function auditOf(operations: readonly Operation[]): AuditRow[] {
  return operations.flatMap(({ requestId, action, outcome }) => {
    if (outcome.kind !== 'ok') return []
    if (action.name === 'token') return [{ requestId, action: 'token.issue', subject: action.jti ?? '' }]
    return 'subject' in action ? [{ requestId, action: AUDITED[action.name] ?? '', subject: action.subject }] : []
  })
}

/** Creates a history with these operations, after which two verifiers have recovered and accept a fresh token. */
function historyOf(before: readonly Operation[], changes: Partial<History> = {}): History {
  const fresh = [issue(1_100, 1_101, 'fresh'), verify(1_102, 'fresh', true), verify(1_102, 'fresh', true, 'two')]
  const operations = [...before, ...fresh]
  return {
    operations,
    faults: [],
    verifiers: ['one', 'two'],
    recoveredAt: RECOVERED,
    afterwards: [{ name: 'one', isReady: true, fromMemory: 3 }],
    audit: auditOf(operations),
    ...changes,
  }
}
/** Creates verifications in which both verifiers refuse these tokens after the recovery. */
const refused = (...jtis: string[]) =>
  jtis.flatMap((jti) => [verify(1_200, jti, false), verify(1_200, jti, false, 'two')])

describe('checkHistory with a good history', () => {
  const good: Record<string, readonly Operation[]> = {
    'nothing happened': [],
    'a token was revoked and refused from then on': [
      issue(0, 1, 't'),
      verify(2, 't', true),
      change(3, 5, 'revoke-token', 't'),
      verify(6, 't', false),
      ...refused('t'),
    ],
    'a verification that began before the revocation returned answered valid': [
      issue(0, 1, 't'),
      change(3, 5, 'revoke-token', 't'),
      { ...verify(4, 't', true), end: 9 },
      ...refused('t'),
    ],
    'a revocation without an answer was not executed': [
      issue(0, 1, 't'),
      change(3, 5, 'revoke-token', 't', lost),
      verify(6, 't', true),
    ],
    'a token of an overlapping request has the new epoch': [
      change(3, 9, 'narrow-scopes', 'a'),
      issue(4, 8, 't'),
      verify(10, 't', true),
    ],
    'a token between two attempts at the same change has the new epoch': [
      change(3, 5, 'narrow-scopes', 'a', lost, 'same'),
      issue(6, 7, 't'),
      change(8, 9, 'narrow-scopes', 'a', ok, 'same'),
      verify(10, 't', true),
    ],
    'another agent was suspended': [issue(0, 1, 't'), change(2, 3, 'suspend-agent', 'b'), verify(4, 't', true)],
    'an agent got a token after its reactivation': [
      change(2, 3, 'suspend-agent', 'a'),
      change(4, 5, 'reactivate-agent', 'a'),
      issue(6, 7, 't'),
      verify(8, 't', true),
    ],
    'an agent got a token after a reactivation without an answer': [
      change(0, 1, 'reactivate-agent', 'a', lost),
      change(2, 3, 'suspend-agent', 'a'),
      issue(6, 7, 't'),
    ],
    'a challenge was redeemed once and refused once': [
      issue(0, 1, 't', 'c'),
      operation(2, 3, { name: 'token', challenge: 'c', ...holder }, { kind: 'refused', reason: 'CHALLENGE_USED' }),
      operation(2, 3, { name: 'token', challenge: 'c', ...holder }, lost),
    ],
    'an operator’s tokens were ended': [issue(0, 1, 't'), change(2, 3, 'end-operator-tokens', 'o'), ...refused('t')],
  }
  for (const [name, operations] of Object.entries(good)) {
    it(`finds nothing wrong when ${name}`, () => expect(checkHistory(historyOf(operations), NOTHING)).toEqual([]))
  }

  it('finds nothing wrong when an earlier attempt without an answer has the audit row of a change', () => {
    const operations = [
      change(0, 1, 'suspend-agent', 'b', lost, 'first'),
      change(2, 3, 'suspend-agent', 'b', ok, 'second'),
    ]
    const history = historyOf(operations)
    const audit = history.audit.map((row) => (row.requestId === 'second' ? { ...row, requestId: 'first' } : row))
    expect(checkHistory({ ...history, audit }, NOTHING)).toEqual([])
  })
})

describe('checkHistory with a bad history', () => {
  const revoked = [issue(0, 1, 't'), change(3, 5, 'revoke-token', 't')]
  const bad: Record<string, [readonly Operation[], RegExp, Partial<History>?]> = {
    'a revoked token was valid afterwards': [
      [...revoked, verify(6, 't', true), ...refused('t')],
      /^no verification that began .* one called t valid/,
    ],
    'an ended agent’s token was valid afterwards, at another verifier': [
      [issue(0, 1, 't'), change(2, 3, 'suspend-agent', 'a'), verify(4, 't', true, 'two'), ...refused('t')],
      /two called t valid/,
    ],
    'a token was valid after the second attempt had returned': [
      [
        issue(0, 1, 't'),
        change(2, 3, 'suspend-operator', 'o', lost, 'same'),
        change(4, 5, 'suspend-operator', 'o', ok, 'same'),
        verify(6, 't', true),
        ...refused('t'),
      ],
      /one called t valid/,
    ],
    'a narrowed agent’s token was valid afterwards': [
      [issue(0, 1, 't'), change(2, 3, 'narrow-scopes', 'a'), verify(4, 't', true), ...refused('t')],
      /one called t valid/,
    ],
    'one verifier was not asked about a revoked token after the recovery': [
      [...revoked, verify(1_200, 't', false)],
      /not lost: two was not seen/,
    ],
    'a verifier was asked only before the recovery': [
      [...revoked, verify(6, 't', false), verify(6, 't', false, 'two')],
      /one was not seen to refuse/,
    ],
    'a verifier refused a revoked token only because its agent was suspended': [
      [
        ...revoked,
        change(7, 8, 'suspend-agent', 'a'),
        change(9, 10, 'reactivate-agent', 'a'),
        verify(1_200, 't', false, 'one', 'AGENT_TOKENS_ENDED'),
        verify(1_200, 't', false, 'two'),
      ],
      /one was not seen to refuse t TOKEN_REVOKED/,
    ],
    'a verifier accepted a revoked token after the recovery': [
      [...revoked, verify(1_200, 't', true), verify(1_200, 't', false, 'two')],
      /one was not seen to refuse/,
    ],
    'a suspended agent got a token': [
      [change(2, 3, 'suspend-agent', 'a'), issue(4, 5, 't'), ...refused('t')],
      /^a suspended agent or operator gets no token: t was issued/,
    ],
    'an agent of a suspended operator got a token': [
      [change(2, 3, 'suspend-operator', 'o'), issue(4, 5, 't'), ...refused('t')],
      /t was issued after suspend-operator/,
    ],
    'a challenge returned two tokens': [
      [issue(0, 1, 't', 'c'), issue(0, 1, 'u', 'c')],
      /challenge c returned 2 tokens/,
    ],
    'two tokens have one id': [[issue(0, 1, 't', 'c'), issue(2, 3, 't', 'd')], /jti t returned 2 tokens/],
    'a change that returned success has no audit row': [
      [...revoked, ...refused('t')],
      /no row token.revoke of t/,
      { audit: [] },
    ],
    'a token has no audit row': [[], /no row token.issue of fresh/, { audit: [] }],
    'a refusal has no explanation': [
      [change(0, 1, 'revoke-token', 't', { kind: 'refused', reason: 'TOKEN_NOT_OURS' })],
      /one refused revoke-token .* TOKEN_NOT_OURS/,
    ],
    'the deployment did not recover': [
      [],
      /recovers by itself: not in time/,
      { recoveredAt: Number.POSITIVE_INFINITY },
    ],
    'a process is not ready': [[], /two is not ready/, { afterwards: [{ name: 'two', isReady: false }] }],
    'a verifier has no lease': [
      [],
      /one answers no verification from memory/,
      { afterwards: [{ name: 'one', isReady: true, fromMemory: 0 }] },
    ],
    'a verifier accepted no fresh token': [[], /three was not seen to accept/, { verifiers: ['three'] }],
  }
  for (const [name, [operations, complaint, changes]] of Object.entries(bad)) {
    it(`reports a violation when ${name}`, () =>
      expect(checkHistory(historyOf(operations, changes), NOTHING)).toContainEqual(expect.stringMatching(complaint)))
  }

  it.each(Object.keys(NOTHING) as (keyof Minimums)[])('reports that there were too few %s', (name) => {
    const history = historyOf([])
    const least = countHistory(history)[name] + 1
    expect(checkHistory(history, { ...NOTHING, [name]: least })).toEqual([
      `too little happened: ${least - 1} ${name}, but at least ${least} are needed`,
    ])
  })
})

it('countHistory counts the operations that overlap a fault', () => {
  const operations = [
    issue(0, 1, 't'),
    change(9, 11, 'revoke-token', 't'),
    verify(19, 't', false),
    verify(21, 't', false),
  ]
  const faults = [{ name: 'it rains', begin: 10, end: 20 }]
  expect(countHistory(historyOf([...operations, change(1, 2, 'revoke-token', 'x', lost)], { faults }))).toEqual({
    revocations: 1,
    revocationsDuringFaults: 1,
    verifications: 4,
    verificationsDuringFaults: 1,
    unknown: 1,
  })
})
