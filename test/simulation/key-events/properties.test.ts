import { parseKeyEvent } from '@auth4agent/core/key-events/key-event'
import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventOf, identityKey, signAsIs } from '../../support/key-events.ts'
import { buildLog, type Made, type Recipe, recipe } from './build-log.ts'
import { type Chance, chance } from './fault.ts'
import { FAULTS } from './faults.ts'

const RUNS = 100
const signed = recipe.map((choices): Recipe => ({ ...choices, isRecorded: false }))
const textsOf = (log: readonly Made[]) => log.map(({ text }) => text)

/** Checks a property of random valid logs with one fault. Logs that have no place for the fault are not counted. */
function always(
  fault: string,
  property: (texts: readonly string[], faulty: readonly string[], log: readonly Made[], chosen: Chance) => void,
): void {
  fc.assert(
    fc.property(signed, chance, (choices, chosen) => {
      const log = buildLog(choices)
      const faulty = FAULTS[fault]?.(log, chosen)
      fc.pre(faulty !== undefined)
      property(textsOf(log), faulty, log, chosen)
    }),
    { numRuns: RUNS },
  )
}

/** Returns the place of the first text that differs, or the number of texts if none does. */
function firstDifference(texts: readonly string[], faulty: readonly string[]): number {
  const at = texts.findIndex((text, place) => text !== faulty[place])
  return at < 0 ? texts.length : at
}

describe('replayKeyEvents', () => {
  it('accepts every log that follows the rules, and each of its beginnings', () => {
    fc.assert(
      fc.property(recipe, (choices) => {
        const texts = textsOf(buildLog(choices))
        const results = texts.map((_text, at) => replayKeyEvents(texts.slice(0, at + 1)))
        expect(results.map((result) => result.ok && result.state.seq)).toEqual([...texts.keys()])
      }),
      { numRuns: RUNS },
    )
  })

  it('refuses the event after a fork, and accepts a fork at the end', () => {
    always('fork', (texts, faulty) => {
      const at = firstDifference(texts, faulty)
      const expected = at + 1 === texts.length ? { ok: true } : { ok: false, at: at + 1 }
      expect(replayKeyEvents(faulty)).toMatchObject(expected)
    })
  })

  it('refuses the event after a gap, and accepts a log without its end', () => {
    always('gap', (texts, faulty) => {
      const at = firstDifference(texts, faulty)
      const expected = at === faulty.length ? { ok: true } : { ok: false, at, why: 'conflict' }
      expect(replayKeyEvents(faulty)).toMatchObject(expected)
    })
  })

  it('refuses the first event that is repeated', () => {
    always('replay', (texts, faulty, _log, { at, other }) => {
      const place = (at % texts.length) + 1 + (other % (texts.length - (at % texts.length)))
      expect(replayKeyEvents(faulty)).toMatchObject({ ok: false, at: place })
    })
  })

  it('refuses the first of two events in the wrong order', () => {
    always('order', (texts, faulty) => {
      expect(replayKeyEvents(faulty)).toMatchObject({ ok: false, at: firstDifference(texts, faulty), why: 'conflict' })
    })
  })

  it('refuses an event with a changed byte', () => {
    always('bytes', (texts, faulty) => {
      fc.pre(firstDifference(texts, faulty) < texts.length)
      expect(replayKeyEvents(faulty)).toMatchObject({ ok: false, at: firstDifference(texts, faulty) })
    })
  })

  it('refuses an event that was cut', () => {
    always('truncated text', (_texts, faulty) => {
      expect(replayKeyEvents(faulty)).toMatchObject({ ok: false, at: faulty.length - 1 })
    })
  })

  it('refuses an event of a key that is no longer the identity key', () => {
    always('stale key', (_texts, faulty) => {
      expect(replayKeyEvents(faulty)).toMatchObject({ ok: false, at: faulty.length - 1 })
      expect(replayKeyEvents(faulty)).toMatchObject({ why: expect.stringMatching(/^(signature|not-committed)$/) })
    })
  })

  it.each(['uncommitted key', 'other recovery'])('refuses a new key to which the agent did not commit: %s', (fault) => {
    always(fault, (_texts, faulty) => {
      expect(replayKeyEvents(faulty)).toMatchObject({ ok: false, at: faulty.length - 1, why: 'not-committed' })
    })
  })

  it('refuses every proof but the one of the new key for its event', () => {
    always('swapped proof', (texts, faulty, log) => {
      const at = faulty.length - 1
      fc.pre(texts[at] !== faulty[at])
      const before = log[at]?.claims['proof']
      const event = parseKeyEvent(faulty[at] ?? '')
      fc.pre(event.ok && 'proof' in event.claims && event.claims.proof !== before)
      const { ok } = replayKeyEvents(faulty)
      expect(ok && log[at]?.proven?.alg).toBe(false)
    })
  })

  it.each(['proof of another event', 'rotation with another next'])(
    'refuses a genuine proof in an event that its key has not signed: %s',
    (fault) => {
      always(fault, (texts, faulty) => {
        const at = firstDifference(texts, faulty)
        expect(replayKeyEvents(faulty)).toMatchObject({ ok: false, at, why: 'signature' })
      })
    },
  )

  it('with the end that was seen before, refuses every log that does not continue it', () => {
    always('truncation', (texts, faulty) => {
      const whole = replayKeyEvents(texts)
      if (!whole.ok) throw new Error(whole.demand)
      expect(replayKeyEvents(faulty)).toMatchObject({ ok: true })
      expect(replayKeyEvents(faulty, undefined, whole.state)).toMatchObject({ ok: false, at: faulty.length })
    })
    always('fork', (texts, faulty) => {
      const whole = replayKeyEvents(texts)
      if (!whole.ok) throw new Error(whole.demand)
      expect(replayKeyEvents(faulty, undefined, whole.state)).toMatchObject({ ok: false })
    })
  })
})

const survives = (texts: readonly string[]) => typeof replayKeyEvents(texts).ok === 'boolean'

describe('replayKeyEvents never throws', () => {
  const key = identityKey('robust')
  const names = fc.constantFrom(
    'type',
    'did',
    'seq',
    'iat',
    'prev',
    'key',
    'next',
    'proof',
    'kid',
    'exp',
    'label',
    'to',
    'constructor',
    'toString',
    '__proto__',
  )
  const values = fc.oneof(fc.jsonValue(), fc.constantFrom('rotate', 'inception', 'add-key', -0, 1e21, '\ud800'))
  const claims = fc.dictionary(names, values)

  it('for random texts', () => {
    fc.assert(fc.property(fc.array(fc.string({ maxLength: 200 }), { maxLength: 3 }), survives), { numRuns: RUNS })
  })

  it('for random bytes as text, in three parts', () => {
    const part = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64url'))
    const text = fc.tuple(part, part, part).map((parts) => parts.join('.'))
    fc.assert(fc.property(fc.array(text, { maxLength: 2 }), survives), { numRuns: RUNS })
  })

  it('for random claims and headers with a right signature', () => {
    fc.assert(
      fc.property(claims, claims, fc.boolean(), (header, payload, hasHeader) => {
        return survives([hasHeader ? eventOf(key, payload) : signAsIs(key, header, payload)])
      }),
      { numRuns: RUNS },
    )
  })

  it('for valid logs with several changed characters', () => {
    const change = fc.record({ at: fc.nat(), character: fc.string({ maxLength: 2 }) })
    fc.assert(
      fc.property(recipe, fc.array(change, { minLength: 1, maxLength: 5 }), (choices, changes) => {
        const texts = textsOf(buildLog(choices))
        for (const { at, character } of changes) {
          const text = texts[at % texts.length] ?? ''
          const index = at % (text.length + 1)
          texts[at % texts.length] = text.slice(0, index) + character + text.slice(index + 1)
        }
        return survives(texts)
      }),
      { numRuns: RUNS },
    )
  })

  it.each([
    ['64 KiB of one character', 'A'.repeat(65_536)],
    ['64 KiB of dots', '.'.repeat(65_536)],
    ['a million characters', 'eyJ'.repeat(333_333)],
    ['half of a surrogate pair', '\ud800.\udc00.\ud800'],
    ['a NUL', '\u0000'],
  ])('for %s', (_name, text) => {
    expect(replayKeyEvents([text])).toMatchObject({ ok: false, at: 0, why: 'malformed' })
  })
})
