import { expect, it } from 'vitest'
import { type AgentEdit, editAgent } from './edit-agent.ts'

const editable = { label: 'old', requireBoundChallenges: true, maxDelegationDepth: 3 }
const agent = { status: 'active', allowedScopes: [], ...editable } as const

it.each<[string, AgentEdit, boolean | undefined]>([
  ['an edit without fields', {}, undefined],
  ['the current values', editable, undefined],
  ['a label', { label: 'new' }, false],
  ['an empty label', { label: '' }, false],
  ['require_bound_challenges', { requireBoundChallenges: false }, false],
  ['label and require_bound_challenges', { label: 'new', requireBoundChallenges: false }, false],
  ['a larger depth', { maxDelegationDepth: 4 }, false],
  ['a smaller depth', { maxDelegationDepth: 2 }, true],
  ['no more grants', { maxDelegationDepth: 0, label: 'new' }, true],
])('editAgent decides on %s', (_name, edit, endsTokens) => {
  const patch = { ...editable, ...edit }
  expect(editAgent(agent, edit)).toEqual(
    endsTokens === undefined ? { kind: 'already' } : { kind: 'change', patch, endsTokens },
  )
})
