import type pg from 'pg'
import type { SignalSigners } from '../../keys/index.ts'
import type { Cursor, Stream } from '../store/stream.ts'
import { readChoices } from '../store/subjects.ts'
import { buildSets, choiceKey, cursorAt, type LogSet, pendingClaims, type SetClaims } from './build-sets.ts'
import type { NextSet, NextSets, ReadNextSets } from './next-sets.ts'
import { continues, type LoggedRecord, readLog } from './read-log.ts'

/** Options of createReadNextSets. */
export interface NextSetsDeps {
  readonly pool: pg.Pool
  readonly issuer: string
  readonly signer: SignalSigners['securityEvent']
}

/** What a part of the log gives to a stream. */
interface Reached {
  readonly sets: readonly LogSet[]
  readonly through: Cursor
  readonly isStopped: boolean
}

/** Creates the function that reads what a stream must deliver next. It writes nothing. */
export function createReadNextSets({ pool, issuer, signer }: NextSetsDeps): ReadNextSets {
  const toNextSet = (claims: SetClaims, position: NextSet['position']): NextSet => {
    return { jti: claims.jti, position, sign: () => signer.sign(claims) }
  }
  return async (stream, { limit }): Promise<NextSets> => {
    const { cursor } = stream
    const waiting = stream.pending
      .filter(({ kind }) => stream.status === 'enabled' || kind === 'stream-updated')
      .map((event) => toNextSet(pendingClaims(issuer, stream, event), { pendingJti: event.jti }))
    if (stream.status !== 'enabled') return { sets: waiting.slice(0, limit), more: false, through: cursor }
    if (waiting.length >= limit) return { sets: waiting.slice(0, limit), more: true, through: cursor }
    const part = await readLog(pool, stream, limit)
    if (!continues(part, cursor)) return { lost: true }
    const choices = await readChoices(pool, stream.id, part.records.map(choiceKey))
    const { sets, through, isStopped } = collect(part.records, cursor, (record) =>
      buildSets(issuer, stream, record, choices),
    )
    const all = [...waiting, ...sets.map(({ claims, cursor: place }) => toNextSet(claims, { cursor: place }))]
    if (all.length > limit) return firstOf(all, limit, cursor)
    const more = part.records.length === limit && !isStopped
    if (isStopped) return { sets: all, more: false, through, isStopped }
    return { sets: all, more, through: more ? through : cursorAt(part.head) }
  }
}

/** Returns the first of too many events. */
function firstOf(all: readonly NextSet[], limit: number, cursor: Cursor): NextSets {
  const sets = all.slice(0, limit)
  const last = sets.at(-1)?.position
  return { sets, more: true, through: last !== undefined && 'cursor' in last ? last.cursor : cursor }
}

/** Builds the events of the records, and stops before the first record of a kind that this version does not know. */
function collect(
  records: readonly LoggedRecord[],
  from: Stream['cursor'],
  build: (record: LoggedRecord) => readonly LogSet[] | undefined,
): Reached {
  const sets: LogSet[] = []
  let through: Cursor = from
  for (const record of records) {
    const built = build(record)
    if (built === undefined) return { sets, through, isStopped: true }
    sets.push(...built)
    through = cursorAt(record)
  }
  return { sets, through, isStopped: false }
}
