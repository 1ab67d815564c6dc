import type { KeyLog } from '@auth4agent/sdk'
import { expect, it } from 'vitest'
import { judgeKeys } from './check-keys.ts'

const NOW_S = 1_800_000_000
const DAY_S = 86_400
const LOG: KeyLog = {
  did: 'x',
  events: [],
  pending: [],
  kid: 'kid',
  next: 'n',
  keySinceS: NOW_S - 5 * DAY_S,
  state: undefined,
}
const times = { requested_at: null, effective_at: '2027-01-16T00:00:00Z', released_at: null }
const recovery = { type: 'recover', event: 'x', digest: 'x', ...times }
const move = { ...recovery, type: 'move' }
const added = (days: number): KeyLog => {
  const key = { kid: 'added', label: 'laptop', exp: NOW_S + days * DAY_S, jwk: { kty: 'OKP', crv: 'Ed25519', x: '' } }
  return { ...LOG, state: Object({ seq: 3, addedKeys: [key] }) }
}

it.each<[string, KeyLog, readonly string[]]>([
  ['a key of five days', LOG, ['ok keys']],
  ['a key of two years', { ...LOG, keySinceS: NOW_S - 730 * DAY_S }, ['warning keys']],
  ['an added key with 90 days left', added(90), ['ok keys', 'ok added key']],
  ['an added key with 3 days left', added(3), ['ok keys', 'warning added key']],
  ['an added key that has expired', added(-1), ['ok keys', 'warning added key']],
  ['a recovery that waits', { ...LOG, pending: [recovery] }, ['problem recovery', 'ok keys']],
  ['a move that waits', { ...LOG, pending: [move] }, ['warning move', 'ok keys']],
])('judgeKeys judges %s', (_name, log, findings) => {
  expect(judgeKeys(log, NOW_S).map(({ level, check }) => `${level} ${check}`)).toEqual(findings)
})
