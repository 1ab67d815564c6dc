import { describe, expect, it } from 'vitest'
import type { AgentStatus } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { AgentState } from './decision.ts'
import { replaceScopes } from './replace-scopes.ts'

const at = new Date('2026-01-15T10:30:00Z')

function agent(status: AgentStatus, allowedScopes: string[]): AgentState {
  return { status, allowedScopes, label: '', requireBoundChallenges: false, maxDelegationDepth: 0, redirectUris: [] }
}

describe('replaceScopes', () => {
  it.each<[string, string[], string[], boolean]>([
    ['a first grant', [], ['read'], false],
    ['a wider grant', ['read'], ['read', 'write'], false],
    ['a narrower grant', ['read', 'write'], ['read'], true],
    ['an empty grant', ['read'], [], true],
    ['the same number of scopes, one of them new', ['read', 'write'], ['read', 'send'], true],
    ['more scopes, but without the previous one', ['read'], ['send', 'write'], true],
    ['a scope in another letter case', ['read'], ['Read'], true],
  ])('decides on %s', (_name, before, after, endsTokens) => {
    const change = { kind: 'change', patch: { allowedScopes: after }, endsTokens }
    expect(replaceScopes(agent('active', before), after, at)).toEqual(change)
    expect(replaceScopes(agent('suspended', before), after, at)).toEqual(change)
  })

  it.each<AgentStatus>(['active', 'suspended'])(
    'leaves an agent that is %s unchanged when the scopes are the same',
    (status) => {
      expect(replaceScopes(agent(status, ['read', 'write']), ['read', 'write'], at)).toEqual({ kind: 'already' })
    },
  )

  it.each([[['read']], [[]]])('approves a pending agent with %j', (scopes) => {
    expect(replaceScopes(agent('pending', []), scopes, at)).toEqual({
      kind: 'change',
      patch: { allowedScopes: scopes, status: 'active', approvedAt: at, expiresAt: null },
      endsTokens: false,
    })
  })

  it('refuses a revoked agent even when the scopes are the same', () => {
    expect(() => replaceScopes(agent('revoked', ['read']), ['read'], at)).toThrow(new ApiError('AGENT_REVOKED'))
  })
})
