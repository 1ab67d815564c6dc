import { describe, expect, it } from 'vitest'
import type { AgentStatus } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { changeStatus, type StatusVerb } from './change-status.ts'

const at = new Date('2026-01-15T10:30:00Z')
const approved = { patch: { status: 'active', approvedAt: at, expiresAt: null }, endsTokens: false }
const suspended = { patch: { status: 'suspended', suspendedAt: at }, endsTokens: true }
const reactivated = { patch: { status: 'active', suspendedAt: null }, endsTokens: false }
const revoked = {
  patch: { status: 'revoked', revokedAt: at, suspendedAt: null, expiresAt: null },
  endsTokens: true,
}

function outcome(status: AgentStatus, verb: StatusVerb): unknown {
  try {
    const decision = changeStatus(status, verb, at)
    if (decision.kind === 'already') return 'already'
    return { patch: decision.patch, endsTokens: decision.endsTokens }
  } catch (error) {
    return error instanceof ApiError ? error.reason : error
  }
}

describe('changeStatus', () => {
  it.each<[StatusVerb, AgentStatus, unknown]>([
    ['approve', 'pending', approved],
    ['approve', 'active', 'already'],
    ['approve', 'suspended', 'AGENT_NOT_PENDING'],
    ['approve', 'revoked', 'AGENT_REVOKED'],
    ['suspend', 'pending', 'AGENT_PENDING'],
    ['suspend', 'active', suspended],
    ['suspend', 'suspended', 'already'],
    ['suspend', 'revoked', 'AGENT_REVOKED'],
    ['reactivate', 'pending', 'AGENT_PENDING'],
    ['reactivate', 'active', 'AGENT_NOT_SUSPENDED'],
    ['reactivate', 'suspended', reactivated],
    ['reactivate', 'revoked', 'AGENT_REVOKED'],
    ['revoke', 'pending', revoked],
    ['revoke', 'active', revoked],
    ['revoke', 'suspended', revoked],
    ['revoke', 'revoked', 'already'],
  ])('decides on %s of an agent that is %s', (verb, status, expected) => {
    expect(outcome(status, verb)).toEqual(expected)
  })
})
