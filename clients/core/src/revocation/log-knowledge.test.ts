import { expect, it } from 'vitest'
import { handLog } from '../../../../test/support/hand-feed.ts'
import { present } from '../platform/moment.ts'
import { LogKnowledge } from './log-knowledge.ts'
import type { RevocationRecord } from './revocation-log.ts'

const TOKEN = { jti: 'one', sub: '', operatorId: 'o', agentEpoch: 1, operatorEpoch: 1, kid: 'k' }

function recordOf(log: ReturnType<typeof handLog>, subject: string): RevocationRecord {
  const event = log.append({ operatorId: 'o', subject })
  if (event.kind !== 'record') throw new TypeError('The appended event is not a record')
  return event.record
}

it('LogKnowledge answers from the log after the first confirmed head, and from each later record at once', () => {
  const known = new LogKnowledge()
  const log = handLog()
  known.apply(recordOf(log, 'one'))
  known.reach(log.position)
  expect([known.isReplacing, known.lookup(TOKEN), known.version, known.ageMs(present())]).toEqual([
    true,
    undefined,
    0,
    Number.POSITIVE_INFINITY,
  ])
  known.confirm(present())
  expect([known.isReplacing, known.lookup(TOKEN), known.version]).toEqual([false, 'TOKEN_REVOKED', 1])
  known.apply(recordOf(log, 'two'))
  expect([known.lookup({ ...TOKEN, jti: 'two' }), known.version, known.size]).toEqual(['TOKEN_REVOKED', 2, 2])
})

it('LogKnowledge still refuses revoked tokens while the log is read again, with an infinite age', () => {
  const known = new LogKnowledge()
  const log = handLog()
  known.apply(recordOf(log, 'one'))
  known.reach(log.position)
  known.confirm(present())
  known.beginAgain()
  expect([known.position, known.lookup(TOKEN), known.ageMs(present())]).toEqual([
    undefined,
    'TOKEN_REVOKED',
    Number.POSITIVE_INFINITY,
  ])
  const other = handLog()
  known.apply(recordOf(other, 'two'))
  expect(known.lookup(TOKEN)).toBe('TOKEN_REVOKED')
  known.reach(other.position)
  known.confirm(present())
  expect(known.lookup(TOKEN)).toBeUndefined()
})

it('LogKnowledge keeps its age when an older head is confirmed, and has an infinite age when closed', () => {
  const known = new LogKnowledge()
  known.reach(handLog().position)
  const now = present()
  known.confirm(now)
  known.confirm({ monotonic: now.monotonic - 5_000, wall: now.wall - 5_000 })
  expect(known.ageMs(now)).toBe(0)
  known.close()
  expect(known.ageMs(now)).toBe(Number.POSITIVE_INFINITY)
})
