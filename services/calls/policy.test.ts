import { expectTypeOf, it } from 'vitest'
import type { Policy } from './policy.ts'

type Line = Policy<{ operatorId: string }>

it('a Policy that allows operators compiles only if `own` is a request field or "none"', () => {
  expectTypeOf<{ callers: ['operator']; role: 'any'; limit: 'read' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['anyone', 'operator']; role: 'any'; limit: 'read' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['operator']; own: 'agent'; role: 'any'; limit: 'read' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['operator']; own: 'operatorId'; role: 'any'; limit: 'read' }>().toExtend<Line>()
  expectTypeOf<{ callers: ['operator']; own: 'none'; role: 'any'; limit: 'read' }>().toExtend<Line>()
})

it('a Policy that allows operators compiles only with the name of a role, "any" or "root"', () => {
  expectTypeOf<{ callers: ['operator']; own: 'none'; limit: 'read' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['anyone', 'operator']; own: 'none'; limit: 'read' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['operator']; own: 'none'; role: 'agents'; limit: 'read' }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['operator']; own: 'none'; role: 'agents.manage'; limit: 'read' }>().toExtend<Line>()
  expectTypeOf<{ callers: ['operator']; own: 'none'; role: 'root'; limit: 'read' }>().toExtend<Line>()
})

it('a Policy that allows no operators compiles without `own` and `role`', () => {
  expectTypeOf<{ callers: ['anyone', 'admin']; limit: 'read' }>().toExtend<Line>()
})

it('a Policy of a method that only reads does not compile with options of changes', () => {
  expectTypeOf<{ callers: ['anyone']; limit: 'read'; urgent: true }>().not.toExtend<Line>()
  expectTypeOf<{ callers: ['anyone']; limit: 'read'; needsBodyDigest: true }>().not.toExtend<Line>()
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
