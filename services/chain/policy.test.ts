import { expectTypeOf, it } from 'vitest'
import type { Policy } from './policy.ts'

type Line = Policy<{ operatorId: string }>

it('a Policy that allows operators compiles only if `own` is a request field or "none"', () => {
  expectTypeOf<{ callers: ['operator']; limit: 'read' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['anyone', 'operator']; limit: 'read' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['operator']; own: 'agent'; limit: 'read' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['operator']; own: 'operatorId'; limit: 'read' }>().toExtend<Line>()
  expectTypeOf<{ callers: ['operator']; own: 'none'; limit: 'read' }>().toExtend<Line>()
})

it('a Policy that allows no operators compiles without `own`', () => {
  expectTypeOf<{ callers: ['anyone', 'admin']; limit: 'read' }>().toExtend<Line>()
})

it('a Policy compiles with both `action` and `endsTokens`, but not with only one of them', () => {
  expectTypeOf<{ callers: ['anyone']; limit: 'read'; action: 'agent.approve' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['anyone']; limit: 'read'; endsTokens: true }>().not.toExtend<Line>()
  expectTypeOf<{
    callers: ['anyone']
    limit: 'read'
    action: 'agent.approve'
    endsTokens: false
  }>().toExtend<Line>()
})
