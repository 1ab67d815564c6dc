import { signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import { describe, expect, it } from 'vitest'
import { begun, didOf, identityKey, stateOf } from '../../../test/support/key-events.ts'
import { parseSentEvent } from './parse-key-event.ts'

const NOW_S = 1_800_000_000
const key = identityKey('first')
const end = stateOf(await begun(key, NOW_S))
const operatorId = '11111111-1111-8111-8111-111111111111'
const sent = async (issuer: string) =>
  parseSentEvent(
    await signKeyEvent(key, end, { type: 'move', to: didOf(key, 'b.example'), operatorId, issuer }, NOW_S),
    ['move'],
  )

describe('parseSentEvent', () => {
  it.each(['https://b.example', 'https://b.example/tenant', 'http://127.0.0.1:8080'])(
    'accepts a move to %s',
    async (issuer) => expect((await sent(issuer)).claims).toMatchObject({ type: 'move', issuer }),
  )

  // The form of events excludes all other spellings.
  it.each(['https://b.example:443', 'https://b.example./a', 'https://0x7f.1', 'https://b.example/a/../b'])(
    'refuses a move to %s',
    async (issuer) =>
      await expect(sent(issuer)).rejects.toMatchObject({
        reason: 'INVALID_KEY_EVENT',
        message: expect.stringContaining('issuer must be a URL in its normal form'),
      }),
  )
})
