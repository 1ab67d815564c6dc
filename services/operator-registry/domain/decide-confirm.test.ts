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
  ['a domain without an owner is given at once', newcomer, undefined, first],
  ['an active owner: the wait begins', newcomer, 'active', wait(NOW + DELAY, true)],
  ['a lapsed owner: the wait begins all the same', newcomer, 'lapsed', wait(NOW + DELAY, true)],
  ['within the delay, with looks enough', waiting(NOW + 1, LOOKS_NEEDED), 'active', wait(NOW + 1, false)],
  ['after the delay, one look short', waiting(NOW, LOOKS_NEEDED - 1), 'active', wait(NOW + DELAY / 32, false)],
  ['after the delay, with looks enough', waiting(NOW, LOOKS_NEEDED), 'active', takeover],
  ['the same for a lapsed owner', waiting(NOW, LOOKS_NEEDED), 'lapsed', takeover],
  ['a suspended owner', waiting(NOW, LOOKS_NEEDED), 'suspended', { kind: 'refuse', reason: 'OPERATOR_SUSPENDED' }],
  ['a released operator', operator('new', 'released'), undefined, { kind: 'refuse', reason: 'OPERATOR_RELEASED' }],
])('decideConfirm: %s', (_, candidate, status, decision) => {
  const of = status === undefined ? undefined : owner(status)
  expect(decideConfirm({ operator: candidate, owner: of, now: NOW, takeoverDelayMs: DELAY })).toEqual(decision)
})

test.each<[OperatorStatus, ConfirmDecision]>([
  ['active', { kind: 'hold' }],
  ['lapsed', first],
])('decideConfirm: an owner that is %s proves its own domain', (status, decision) => {
  const own = owner(status)
  expect(decideConfirm({ operator: own, owner: own, now: NOW, takeoverDelayMs: DELAY })).toEqual(decision)
})

test('decideConfirm: a delay of nothing is no wait', () => {
  const of = owner('active')
  expect(decideConfirm({ operator: newcomer, owner: of, now: NOW, takeoverDelayMs: 0 })).toEqual(takeover)
})
