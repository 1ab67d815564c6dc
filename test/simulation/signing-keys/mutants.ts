import { nameOf } from '../../../services/keys/domain/key-kinds.ts'
import type { KeyFacts, RotationTimes, Step } from '../../../services/keys/domain/plan-rotation.ts'
import { type Parts, REAL } from './parts.ts'

/** A version of the code with one rule broken. */
export interface Mutant {
  readonly what: string
  /** A part of the violation that shows it. */
  readonly shows: string
  readonly parts: Parts
}

const mutant = (what: string, shows: string, change: Partial<Parts>): Mutant => ({
  what,
  shows,
  parts: { ...REAL, ...change },
})

/** At least one mutant for each rule. */
export const MUTANTS: readonly Mutant[] = [
  mutant(
    'keys sign at once',
    'not in a key set',
    timed(() => ({ publishS: 0 })),
  ),
  mutant(
    'keys are published for only half the time',
    'not in a key set',
    timed(({ publishS }) => ({ publishS: publishS / 2 })),
  ),
  mutant(
    'keys are retired before their tokens',
    'is retired before',
    timed(() => ({ retireAfterS: 3_500 })),
  ),
  mutant(
    'keys are never rotated by age',
    'has not been rotated',
    timed(() => ({ rotateAfterS: 1e9 })),
  ),
  mutant(
    'keys are never retired',
    'has not been retired',
    timed(() => ({ retireAfterS: 1e9 })),
  ),
  mutant('the new key is active before the old one retires', 'two active keys', edited(activeFirst)),
  mutant('only one key is in reserve', 'key is ready', edited(reserveOfOne)),
  mutant('no key replaces a compromised one', 'no call has forced it', {
    planCompromise: (...asked) => REAL.planCompromise(...asked).filter(({ to }) => to !== 'active'),
  }),
  mutant('a compromised key is replaced by one that is not ready', 'not in a key set', {
    planCompromise: (keys, times, wish) => REAL.planCompromise(keys, { ...times, publishS: 0 }, wish),
  }),
  mutant("ages come from the database's clock only", 'not in a key set', {
    createKeyAges: () => ({
      look: (keys, nowMs) => keys.map(({ sinceMs, ...key }) => ({ ...key, ageS: Math.max(0, nowMs - sinceMs) / 1000 })),
    }),
  }),
  mutant("a state that a process sees begin is as old as the database's clock says", 'not in a key set', {
    createKeyAges: asToldAtFirstSight,
  }),
  mutant('a process signs with the keys that it remembers', 'was retiring when', { signerBy: 'memory' }),
  mutant('a process signs answers with a key that was marked', 'was compromised when', {
    answersBy: 'unchecked memory',
  }),
  mutant('a process signs answers with a key that it remembers for too long', 'was retiring when', {
    answersBy: 'endless memory',
  }),
  mutant('a process starts after the clock was set forward', 'is retired before', { isDeceived: true }),
]

/** Replaces the times of every plan. */
function timed(change: (times: RotationTimes) => Partial<RotationTimes>): Partial<Parts> {
  const changed = (times: RotationTimes) => ({ ...times, ...change(times) })
  return {
    planSchedule: (keys, times) => REAL.planSchedule(keys, changed(times)),
    planRotateNow: (keys, times, wish) => REAL.planRotateNow(keys, changed(times), wish),
    planCompromise: (keys, times, wish) => REAL.planCompromise(keys, changed(times), wish),
  }
}

/** Edits the steps of every plan. */
function edited(edit: (steps: readonly Step[], keys: readonly KeyFacts[]) => readonly Step[]): Partial<Parts> {
  return {
    planSchedule: (keys, times) => edit(REAL.planSchedule(keys, times), keys),
    planRotateNow: (keys, times, wish) => edit(REAL.planRotateNow(keys, times, wish), keys),
    planCompromise: (keys, times, wish) => edit(REAL.planCompromise(keys, times, wish), keys),
  }
}

function activeFirst(steps: readonly Step[]): readonly Step[] {
  return [...steps.filter(({ to }) => to === 'active'), ...steps.filter(({ to }) => to !== 'active')]
}

function reserveOfOne(steps: readonly Step[], keys: readonly KeyFacts[]): readonly Step[] {
  const taken = new Set(steps.map((step) => (step.to === 'new' ? undefined : step.kid)))
  const left = keys.filter(({ state, kid }) => state === 'prepared' && !taken.has(kid))
  const filled = new Set(left.map(nameOf))
  return steps.filter((step) => {
    if (step.to !== 'new' || step.state === 'active') return true
    const isWanted = !filled.has(nameOf(step))
    filled.add(nameOf(step))
    return isWanted
  })
}

function asToldAtFirstSight(monotonicMs: () => number): ReturnType<Parts['createKeyAges']> {
  const began = new Map<string, number>()
  return {
    look: (keys, nowMs) =>
      keys.map(({ sinceMs, ...key }) => {
        const name = `${key.kid} ${key.state}`
        const beganMs = began.get(name) ?? monotonicMs() - Math.max(0, nowMs - sinceMs)
        began.set(name, beganMs)
        return { ...key, ageS: (monotonicMs() - beganMs) / 1000 }
      }),
  }
}
