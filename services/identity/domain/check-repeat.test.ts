import { expect, it } from 'vitest'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { checkRepeat } from './check-repeat.ts'

const key = new Uint8Array(32).fill(7)
const other = new Uint8Array(32).fill(8)

it.each([
  ['the same key while pending', 'pending', key, false, undefined],
  ['the same key while pending, by the operator', 'pending', key, true, 'AGENT_EXISTS'],
  ['another key of the same DID', 'pending', other, false, 'AGENT_EXISTS'],
  ['an agent without a key', 'pending', undefined, false, 'AGENT_EXISTS'],
  ['an active agent', 'active', key, false, 'AGENT_EXISTS'],
  ['a suspended agent', 'suspended', key, false, 'AGENT_EXISTS'],
  ['a revoked agent', 'revoked', key, false, 'AGENT_EXISTS'],
] as const)('checkRepeat decides on %s', (_name, status, publicKey, isOperator, reason) => {
  expect(reasonOf(() => checkRepeat({ status, publicKey }, key, isOperator))).toBe(reason)
})
