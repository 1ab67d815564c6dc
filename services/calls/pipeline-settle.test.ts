import { afterAll, describe, expect, it } from 'vitest'
import { bearer } from '../../test/support/assertions.ts'
import { testDatabase } from '../../test/support/database.ts'
import { eventually } from '../../test/support/eventually.ts'
import { PARTIES, pipelineFixture, RPC } from '../../test/support/pipeline.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Call } from './call.ts'

const database = await testDatabase()
const { db } = database
afterAll(() => database.drop())

const ENDS = { action: 'agent.suspend', endsTokens: true } as const
const authorization = () => bearer(PARTIES.own, { claims: { rpc: RPC } })

const never = () => new Promise<never>(() => {})
const failing = async () => {
  throw new ApiError('UNAVAILABLE')
}

const notDurable = async () => {
  throw new ApiError('NOT_DURABLE')
}

const refuseEnded = async (_request: unknown, { hasEndedTokens }: Call) => {
  hasEndedTokens?.()
  throw new ApiError('REFRESH_NOT_ACCEPTED')
}

describe('a call that ends tokens', () => {
  it.each(['released', 'superseded'])(
    'settles before it refuses an operator that is %s, because the operator may be repeating its release',
    async (status) => {
      let settled = 0
      const settle = async () => {
        settled += 1
        return undefined
      }
      const { call } = pipelineFixture(db, { policy: ENDS, status, deps: { settle } })
      expect(await refusalOf(call(authorization()))).toBe('OPERATOR_NOT_ACTIVE')
      expect(settled).toBe(1)
    },
  )

  it('answers after settle has resolved', async () => {
    const settled = Promise.withResolvers<void>()
    const steps: string[] = []
    const handler = async () => (steps.push('handler'), {})
    const settle = async () => {
      steps.push('settle')
      await settled.promise
      return undefined
    }
    const { call } = pipelineFixture(db, { policy: ENDS, handler, deps: { settle } })
    const answer = call(authorization()).then(() => steps.push('answer'))
    await eventually(() => expect(steps).toEqual(['handler', 'settle']))
    settled.resolve()
    await answer
    expect(steps).toEqual(['handler', 'settle', 'answer'])
  })

  it('ends with DEADLINE_EXCEEDED when settle takes longer than the deadline', async () => {
    const deps = { settle: never, deadlineMs: 100 }
    const { call } = pipelineFixture(db, { policy: ENDS, deps })
    expect(await refusalOf(call(authorization()))).toBe('DEADLINE_EXCEEDED')
  })

  it('fails with UNAVAILABLE and without an audit entry when settle fails', async () => {
    const before = await db.prisma.auditLog.count()
    expect(
      await refusalOf(pipelineFixture(db, { policy: ENDS, deps: { settle: failing } }).call(authorization())),
    ).toBe('UNAVAILABLE')
    expect(await db.prisma.auditLog.count()).toBe(before)
  })

  it.each([
    ['settles when a known caller is refused', ENDS, true, true, 1],
    [
      'does not settle when an anonymous caller is refused',
      { ...ENDS, callers: ['anyone', 'operator'] } as const,
      false,
      true,
      0,
    ],
    [
      'does not settle for a method that ends no tokens',
      { action: 'agent.approve', endsTokens: false } as const,
      true,
      false,
      0,
    ],
    ['does not settle for a method that changes nothing', {}, true, false, 0],
  ])('%s', async (_name, policy, isKnown, fails, waits) => {
    let settled = 0
    const settle = async () => {
      settled += 1
      return undefined
    }
    const handler = async () => {
      if (fails) throw new ApiError('AGENT_REVOKED')
      return {}
    }
    const { call } = pipelineFixture(db, { policy, handler, deps: { settle } })
    expect(await refusalOf(call(isKnown ? authorization() : undefined))).toBe(fails ? 'AGENT_REVOKED' : undefined)
    expect(settled).toBe(waits)
  })
})

describe('a call that tells that it has ended tokens, although its method does not', () => {
  it.each([
    ['settles before it answers', false],
    ['settles before an anonymous caller is refused', true],
  ])('%s', async (_name, fails) => {
    const steps: string[] = []
    const settle = async () => {
      steps.push('settle')
      return undefined
    }
    const handler = async (_request: unknown, { hasEndedTokens }: Call) => {
      hasEndedTokens?.()
      steps.push('handler')
      if (fails) throw new ApiError('REFRESH_NOT_ACCEPTED')
      return {}
    }
    const { call } = pipelineFixture(db, { policy: { callers: ['anyone'] }, handler, deps: { settle } })
    expect(await refusalOf(call())).toBe(fails ? 'REFRESH_NOT_ACCEPTED' : undefined)
    expect(steps).toEqual(['handler', 'settle'])
  })

  it('fails with UNAVAILABLE when settle fails', async () => {
    const handler = refuseEnded
    const { call } = pipelineFixture(db, { policy: { callers: ['anyone'] }, handler, deps: { settle: failing } })
    expect(await refusalOf(call())).toBe('UNAVAILABLE')
  })
})

describe('a call that changes something else', () => {
  const CHANGES = { action: 'agent.approve', endsTokens: false } as const

  it.each<[name: string, policy: object, isKnown: boolean, fails: boolean, confirms: number]>([
    ['answers after its change is confirmed', CHANGES, true, false, 1],
    ['is confirmed before a known caller is refused, because it may be repeated', CHANGES, true, true, 1],
    [
      'is not confirmed before an anonymous caller is refused',
      { ...CHANGES, callers: ['anyone', 'operator'] },
      false,
      true,
      0,
    ],
    ['is not confirmed if it only reads', {}, true, false, 0],
    ['is not confirmed if it ends tokens, because settle does it', ENDS, true, false, 0],
  ])('%s', async (_name, policy, isKnown, fails, confirms) => {
    let confirmed = 0
    const confirm = async () => void (confirmed += 1)
    const handler = async () => {
      if (fails) throw new ApiError('AGENT_REVOKED')
      return {}
    }
    const { call } = pipelineFixture(db, { policy, handler, deps: { confirm } })
    expect(await refusalOf(call(isKnown ? authorization() : undefined))).toBe(fails ? 'AGENT_REVOKED' : undefined)
    expect(confirmed).toBe(confirms)
  })

  it('fails with NOT_DURABLE when its change is not confirmed', async () => {
    const { call } = pipelineFixture(db, { policy: CHANGES, deps: { confirm: notDurable } })
    expect(await refusalOf(call(authorization()))).toBe('NOT_DURABLE')
  })
})

describe('a change that was found to be made already', () => {
  const SERVERS = ['1 a', '2 b'] as const

  it.each<readonly [string, 'refused' | 'unchanged', boolean, string | undefined, string | undefined]>([
    ['counts when the server that showed it confirms', 'unchanged', true, SERVERS[0], undefined],
    ['does not count when another server confirms', 'unchanged', true, SERVERS[1], 'UNAVAILABLE'],
    ['counts for a change of other things too', 'unchanged', false, SERVERS[0], undefined],
    ['does not count for a change of other things either', 'unchanged', false, SERVERS[1], 'UNAVAILABLE'],
    ['is refused as it was when the server confirms', 'refused', true, SERVERS[0], 'ASSERTION_USED'],
    ['is not known when another server confirms', 'refused', true, SERVERS[1], 'UNAVAILABLE'],
    ['counts where commits wait for no standby', 'refused', true, undefined, 'ASSERTION_USED'],
  ])('%s', async (_, how, endsTokens, confirmedBy, reason) => {
    const handler = async (_request: unknown, call: Call) => {
      call.sawServer?.(SERVERS[0])
      if (how === 'refused') throw new ApiError('ASSERTION_USED')
      return {}
    }
    const deps = { settle: async () => confirmedBy, confirm: async () => confirmedBy }
    const policy = { action: 'agent.approve', endsTokens } as const
    const { call } = pipelineFixture(db, { policy, handler, deps })
    expect(await refusalOf(call(authorization()))).toBe(reason)
  })
})
