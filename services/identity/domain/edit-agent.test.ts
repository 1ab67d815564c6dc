import { expect, it } from 'vitest'
import { type AgentEdit, editAgent } from './edit-agent.ts'

const redirectUris = ['https://a.example/callback']
const editable = { label: 'old', requireBoundChallenges: true, maxDelegationDepth: 3, redirectUris }
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
  ['the same redirect URIs', { redirectUris: [...redirectUris] }, undefined],
  ['other redirect URIs', { redirectUris: ['https://b.example/callback'] }, false],
  ['no redirect URIs', { redirectUris: [] }, false],
  ['no more grants', { maxDelegationDepth: 0, label: 'new' }, true],
])('editAgent decides on %s', (_name, edit, endsTokens) => {
  const patch = { ...editable, ...edit }
  expect(editAgent(agent, edit)).toEqual(
    endsTokens === undefined ? { kind: 'already' } : { kind: 'change', patch, endsTokens },
  )
})
