import type { NextSet, NextSets } from '../events/next-sets.ts'
import type { Progress } from '../store/progress.ts'
import type { Cursor, Stream } from '../store/stream.ts'

/** What a stream has delivered, and what it has still to deliver. */
export interface Acknowledged {
  /** Undefined if nothing has changed. */
  readonly progress: Progress | undefined
  readonly outstanding: readonly NextSet[]
}

type Read = Extract<NextSets, { readonly sets: unknown }>

/**
 * Applies acknowledgements to a stream. The cursor moves over the events that are acknowledged without a gap. The
 * stream remembers those behind a gap. Acknowledgements of events that the stream does not wait for have no effect.
 */
export function acknowledge(
  stream: Pick<Stream, 'cursor' | 'acknowledged'>,
  { sets, through }: Read,
  handled: ReadonlySet<string>,
): Acknowledged {
  const remembered = new Set(stream.acknowledged)
  const isDelivered = ({ jti }: NextSet): boolean => handled.has(jti) || remembered.has(jti)
  const pendingJtis: string[] = []
  const passed = new Set<string>()
  const behindGap: string[] = []
  let { cursor } = stream
  let hasGap = false
  for (const set of sets) {
    const { position, jti } = set
    const isDone = isDelivered(set)
    if ('pendingJti' in position) {
      if (isDone) pendingJtis.push(position.pendingJti)
      continue
    }
    hasGap ||= !isDone
    if (!hasGap) {
      cursor = position.cursor
      passed.add(jti)
    } else if (isDone) behindGap.push(jti)
  }
  if (!hasGap) cursor = through
  const acknowledged = [...new Set([...stream.acknowledged.filter((jti) => !passed.has(jti)), ...behindGap])]
  const isChanged =
    pendingJtis.length > 0 || isAfter(cursor, stream.cursor) || acknowledged.length !== stream.acknowledged.length
  return {
    progress: isChanged ? { cursor, acknowledged, pendingJtis } : undefined,
    outstanding: sets.filter((set) => !isDelivered(set)),
  }
}

function isAfter(a: Cursor, b: Cursor): boolean {
  return a.sequence > b.sequence || (a.sequence === b.sequence && a.part > b.part)
}
