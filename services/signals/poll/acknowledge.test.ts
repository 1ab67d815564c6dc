import { expect, it } from 'vitest'
import type { NextSet } from '../events/next-sets.ts'
import type { Cursor } from '../store/stream.ts'
import { acknowledge } from './acknowledge.ts'

const at = (sequence: number, part = 0): Cursor => ({ logEpoch: 1, sequence, hash: `h${sequence}`, part })
const sign = async () => 'set'
/** An event of the log, with the number of its record as jti. */
const logged = (sequence: number): NextSet => ({ jti: `j${sequence}`, position: { cursor: at(sequence) }, sign })
const pending: NextSet = { jti: 'p1', position: { pendingJti: 'p1' }, sign }
const stream = (acknowledged: readonly string[] = []) => ({ cursor: at(10), acknowledged })
const three = [logged(11), logged(12), logged(13)]

interface Case {
  readonly sets: readonly NextSet[]
  readonly through?: Cursor
  readonly handled: readonly string[]
  readonly remembered?: readonly string[]
  readonly cursor?: Cursor
  readonly acknowledged?: readonly string[]
  readonly pendingJtis?: readonly string[]
  readonly outstanding: readonly string[]
}

const CASES: Readonly<Record<string, Case>> = {
  'nothing is acknowledged: nothing changes': { sets: three, handled: [], outstanding: ['j11', 'j12', 'j13'] },
  'the first one: the cursor moves over it': {
    sets: three,
    handled: ['j11'],
    cursor: at(11),
    outstanding: ['j12', 'j13'],
  },
  'all of them: the cursor also moves over the records for others': {
    sets: three,
    through: at(20),
    handled: ['j13', 'j11', 'j12'],
    cursor: at(20),
    outstanding: [],
  },
  'one behind a gap: it is remembered and the cursor stays': {
    sets: three,
    handled: ['j12'],
    cursor: at(10),
    acknowledged: ['j12'],
    outstanding: ['j11', 'j13'],
  },
  'the gap: the cursor moves over it and over what was remembered': {
    sets: three,
    handled: ['j11'],
    remembered: ['j12'],
    cursor: at(12),
    acknowledged: [],
    outstanding: ['j13'],
  },
  'a remembered one again: nothing changes': {
    sets: three,
    handled: ['j12'],
    remembered: ['j12'],
    outstanding: ['j11', 'j13'],
  },
  'a remembered one that was not read this time: it stays remembered': {
    sets: [logged(11)],
    handled: [],
    remembered: ['j12'],
    outstanding: ['j11'],
  },
  'an event of another stream: nothing changes': { sets: three, handled: ['j99'], outstanding: ['j11', 'j12', 'j13'] },
  'no events for the receiver: the cursor moves on': {
    sets: [],
    through: at(20),
    handled: [],
    cursor: at(20),
    outstanding: [],
  },
  'a part of a record: the cursor counts the part': {
    sets: [{ jti: 'a', position: { cursor: at(10, 1) }, sign }, logged(11)],
    handled: ['a'],
    cursor: at(10, 1),
    outstanding: ['j11'],
  },
  'a pending event: it goes, and the cursor stays before the others': {
    sets: [pending, ...three],
    handled: ['p1'],
    cursor: at(10),
    pendingJtis: ['p1'],
    outstanding: ['j11', 'j12', 'j13'],
  },
  'a pending event that is not acknowledged: it is no gap': {
    sets: [pending, logged(11)],
    handled: ['j11'],
    cursor: at(11),
    outstanding: ['p1'],
  },
}

it.each(Object.entries(CASES))('acknowledge: %s', (_, given) => {
  const { sets, handled, remembered = [], cursor, acknowledged = [], pendingJtis = [] } = given
  const last = sets.at(-1)?.position
  const through = given.through ?? (last !== undefined && 'cursor' in last ? last.cursor : at(10))
  const done = acknowledge(stream(remembered), { sets, more: false, through }, new Set(handled))
  expect(done.progress).toStrictEqual(cursor && { cursor, acknowledged, pendingJtis })
  expect(done.outstanding.map(({ jti }) => jti)).toStrictEqual(given.outstanding)
})
