import { expect, it } from 'vitest'
import { type AgentEdit, editAgent } from './edit-agent.ts'

const agent = { status: 'active', allowedScopes: [], label: 'old', requireBoundChallenges: true } as const

it.each<[string, AgentEdit, object | undefined]>([
  ['an edit without fields', {}, undefined],
  ['the current values', { label: 'old', requireBoundChallenges: true }, undefined],
  ['a label', { label: 'new' }, { label: 'new', requireBoundChallenges: true }],
  ['an empty label', { label: '' }, { label: '', requireBoundChallenges: true }],
  ['require_bound_challenges', { requireBoundChallenges: false }, { label: 'old', requireBoundChallenges: false }],
  ['both', { label: 'new', requireBoundChallenges: false }, { label: 'new', requireBoundChallenges: false }],
])('editAgent decides on %s', (_name, edit, patch) => {
  const expected = patch === undefined ? { kind: 'already' } : { kind: 'change', patch, endsTokens: false }
  expect(editAgent(agent, edit)).toEqual(expected)
})
