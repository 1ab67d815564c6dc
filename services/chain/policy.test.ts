import { expectTypeOf, it } from 'vitest'
import type { Policy } from './policy.ts'

type Line = Policy<{ operatorId: string }>

it('lets no line compile that operators call and that says nothing of the owner', () => {
  expectTypeOf<{ callers: ['operator']; limit: 'read' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['anyone', 'operator']; limit: 'read' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['operator']; own: 'agent'; limit: 'read' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['operator']; own: 'operatorId'; limit: 'read' }>().toExtend<Line>()
  expectTypeOf<{ callers: ['operator']; own: 'none'; limit: 'read' }>().toExtend<Line>()
  expectTypeOf<{ callers: ['anyone', 'admin']; limit: 'read' }>().toExtend<Line>()
})

it('lets no line compile that changes something and does not say whether it ends tokens', () => {
  expectTypeOf<{ callers: ['anyone']; limit: 'read'; action: 'agent.approve' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['anyone']; limit: 'read'; endsTokens: true }>().not.toExtend<Line>()
  expectTypeOf<{
    callers: ['anyone']
    limit: 'read'
    action: 'agent.approve'
    endsTokens: false
  }>().toExtend<Line>()
})
