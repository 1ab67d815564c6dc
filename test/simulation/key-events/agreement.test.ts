import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import { describe, expect, it } from 'vitest'
import { agree, differenceOf, expectVariety } from './agree.ts'
import { buildLog, type Made, makeEvent, type Step } from './build-log.ts'
import { naiveApply, naiveReplay } from './naive-replayer.ts'

const LOGS = 2_000
const STEP: Step = { type: 'move', key: 0, commit: null, label: 'TPM', wait: 0 }
const MOVES = movesOf(2_000)

/** Builds a log of moves, which are valid in any number. */
function movesOf(events: number): readonly Made[] {
  const log = [...buildLog({ first: 0, isRecorded: false, commit: null, steps: [] })]
  while (log.length < events) log.push(after(log, 'move'))
  return log
}

function after(log: readonly Made[], type: string): Made {
  const last = log.at(-1)
  const made = last && makeEvent(naiveApply(last.before, last.text), { ...STEP, type })
  if (made === undefined) throw new Error(`No event ${type} can follow`)
  return made
}

describe('a naive replayer and replayKeyEvents', () => {
  it(`agree on ${LOGS} random logs, about half of which are wrong`, () => {
    expectVariety(agree(LOGS), LOGS)
  })

  it.each([
    [1899, 'add-key', true],
    [1900, 'add-key', false],
    [1999, 'rotate', true],
    [2000, 'rotate', false],
    [2000, 'deactivate', true],
  ])('agree whether %i events can be followed by %s', (events, type, isAccepted) => {
    const log = MOVES.slice(0, events)
    const texts = [...log, after(log, type)].map(({ text }) => text)
    const [ours, naive] = [replayKeyEvents(texts), naiveReplay(texts)]
    expect(differenceOf(ours, naive)).toBeUndefined()
    expect(ours).toMatchObject(isAccepted ? { ok: true } : { ok: false, why: 'full', at: events })
  })
})
