import { describe, expect, it } from 'vitest'
import { reasons } from '../../../services/platform/errors/reasons.ts'
import { commands } from './commands.ts'
import { toFailure } from './failure.ts'
import { hints } from './hints.ts'

/** Reasons of the tool and the SDK. */
const OWN = [
  'NETWORK_ERROR',
  'UNEXPECTED_ANSWER',
  'ISSUER_MISMATCH',
  'CHALLENGE_REFUSED',
  'UNTRUSTED_MANIFEST',
  'WRONG_KEY',
  'GRANT_NOT_HELD',
  'EVIDENCE_UNAVAILABLE',
  'TOOL_ERROR',
]
/** Makes an error like those of the SDK. */
const refusal = (reason: string, more = {}) =>
  Object.assign(new Error('no'), { name: 'Auth4AgentError', reason, status: 400, ...more })

describe('hints', () => {
  it.each(Object.entries(hints))(
    'for %s belong to an existing reason and name only existing commands',
    (reason, hint) => {
      expect([...Object.keys(reasons), ...OWN]).toContain(reason)
      const named = [...hint.matchAll(/`auth4agent ([a-z][a-z- ]*)/g)].map(([, words = '']) => words.trim())
      const known = [...commands.map(({ words }) => words), 'doctor']
      for (const words of named)
        expect(
          known.some((one) => words === one || words.startsWith(`${one} `)),
          words,
        ).toBe(true)
    },
  )
})

describe('toFailure', () => {
  it.each([
    ['NETWORK_ERROR', 0, 'unreachable'],
    ['UNAVAILABLE', 503, 'unreachable'],
    ['DEADLINE_EXCEEDED', 504, 'unreachable'],
    ['INTERNAL', 500, 'unreachable'],
    ['RATE_LIMITED', 429, 'unreachable'],
    ['UNEXPECTED_ANSWER', 502, 'unreachable'],
    ['UNEXPECTED_ANSWER', 200, 'refused'],
    ['ISSUER_MISMATCH', 0, 'refused'],
    ['CONFIGURATION', 0, 'configuration'],
    ['SCOPE_NOT_ALLOWED', 403, 'refused'],
    ['A_REASON_OF_TOMORROW', 409, 'refused'],
  ])('returns for %s with status %i the exit %s', (reason, status, exit) => {
    expect(toFailure(refusal(reason, { status }), undefined)).toMatchObject({ reason, exit, message: 'no' })
  })

  it.each([
    ['RATE_LIMITED', 7, 'Wait 7 s, then try again.'],
    ['RATE_LIMITED', undefined, 'Wait, then try again.'],
    ['KEY_NOT_READY', 431, 'Nothing has changed. Wait 431 s, then try again.'],
    ['KEY_NOT_READY', undefined, 'Nothing has changed.'],
    ['A_REASON_OF_TOMORROW', 3, 'Wait 3 s, then try again.'],
  ])('says once in the hint for %s how long to wait (%s s)', (reason, retryAfterS, hint) => {
    expect(toFailure(refusal(reason, { retryAfterS }), undefined).hint).toBe(hint)
  })

  it("replaces control characters in a server's reason and message", () => {
    const error = Object.assign(refusal('X\u001b[2J'), { message: 'a\u001b]0;title\u0007\u202eb' })
    expect(toFailure(error, undefined)).toMatchObject({ reason: 'X?[2J', message: 'a?]0;title??b' })
  })

  it('reports an unexpected error as TOOL_ERROR', () => {
    expect(toFailure(new RangeError('x'), undefined)).toMatchObject({ reason: 'TOOL_ERROR', exit: 'internal' })
  })
})
