import { expect, test } from 'vitest'
import type { OperatorStatus } from '../../../gen/prisma/enums.ts'
import { type ConfirmDecision, decideConfirm } from './decide-confirm.ts'
import { LOOKS_NEEDED } from './takeover-looks.ts'

const NOW = 1_000_000
const DELAY = 3_200

const operator = (id: string, status: OperatorStatus, takeoverAt?: number, takeoverLooks = 0) => ({
  id,
  status,
  takeoverAt: takeoverAt === undefined ? null : new Date(takeoverAt),
  takeoverLooks,
})
const newcomer = operator('new', 'pending')
const waiting = (takeoverAt: number, looks: number) => operator('new', 'pending', takeoverAt, looks)
const owner = (status: OperatorStatus) => operator('old', status)

const takeover: ConfirmDecision = { kind: 'activate', supersedes: 'old' }
const first: ConfirmDecision = { kind: 'activate', supersedes: undefined }
const wait = (until: number, begins: boolean): ConfirmDecision => ({ kind: 'wait', until, begins })

test.each<[string, ReturnType<typeof operator>, OperatorStatus | undefined, ConfirmDecision]>([
  ['activates at once when the domain has no owner', newcomer, undefined, first],
  ['begins a wait when the owner is active', newcomer, 'active', wait(NOW + DELAY, true)],
  ['begins a wait when the owner has lapsed', newcomer, 'lapsed', wait(NOW + DELAY, true)],
  ['waits within the delay, even with enough looks', waiting(NOW + 1, LOOKS_NEEDED), 'active', wait(NOW + 1, false)],
  [
    'waits after the delay while one look is missing',
    waiting(NOW, LOOKS_NEEDED - 1),
    'active',
    wait(NOW + DELAY / 32, false),
  ],
  ['takes over after the delay with enough looks', waiting(NOW, LOOKS_NEEDED), 'active', takeover],
  ['takes over from a lapsed owner after the delay with enough looks', waiting(NOW, LOOKS_NEEDED), 'lapsed', takeover],
  [
    'refuses while the owner is suspended',
    waiting(NOW, LOOKS_NEEDED),
    'suspended',
    { kind: 'refuse', reason: 'OPERATOR_SUSPENDED' },
  ],
  [
    'refuses a released operator',
    operator('new', 'released'),
    undefined,
    { kind: 'refuse', reason: 'OPERATOR_RELEASED' },
  ],
])('decideConfirm %s', (_, candidate, status, decision) => {
  const of = status === undefined ? undefined : owner(status)
  expect(decideConfirm({ operator: candidate, owner: of, now: NOW, takeoverDelayMs: DELAY })).toEqual(decision)
})

test.each<[OperatorStatus, ConfirmDecision]>([
  ['active', { kind: 'hold' }],
  ['lapsed', first],
])('decideConfirm lets the %s owner prove its own domain without a wait', (status, decision) => {
  const own = owner(status)
  expect(decideConfirm({ operator: own, owner: own, now: NOW, takeoverDelayMs: DELAY })).toEqual(decision)
})

test('decideConfirm takes over at once when the delay is 0', () => {
  const of = owner('active')
  expect(decideConfirm({ operator: newcomer, owner: of, now: NOW, takeoverDelayMs: 0 })).toEqual(takeover)
})
