import { signInception } from '@auth4agent/core/key-events/sign-key-event'
import { expect, it } from 'vitest'
import { didOf, newKey } from '../../../test/support/agent-log.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { checkInception } from './check-inception.ts'

it('checkInception compares the whole key, because the DID contains only half of its hash', async () => {
  const [key, other] = [newKey(), newKey()]
  const did = didOf(key, 'acme.example')
  const clock = { nowS: 1_800_000_000, skewS: 10 }
  const inception = await signInception(key, { did, nowS: clock.nowS })
  expect(checkInception(inception, { did, publicKey: key.publicKey }, clock)).toMatchObject({ next: undefined })
  const foreign = { did, publicKey: other.publicKey }
  expect(reasonOf(() => checkInception(inception, foreign, clock))).toBe('INVALID_KEY_EVENT')
})
