import type pg from 'pg'

/**
 * The timeline of the database, as the last redemption has seen it. A promotion or a restore begins a new timeline and
 * may lose the last commits. Then a later change may give a row the version that a lost change had given it. So a
 * version proves that a memory is current only on the timeline on which the row was read.
 */
export interface Timeline {
  current: number
}

/** Reads the timeline. A process does this before it remembers any version. */
export async function readTimeline(pool: pg.Pool): Promise<Timeline> {
  const { rows } = await pool.query<{ current: number }>('SELECT wal_timeline() AS current')
  const [row] = rows
  if (row === undefined) throw new Error('The database did not return its timeline')
  return row
}

/**
 * Returns a function that returns the memory of the current timeline: a new one after each change. A caller must take
 * the memory before it asks, so that an answer from before a change goes into the old memory.
 */
export function perTimeline<Memory>(timeline: Timeline, create: () => Memory): () => Memory {
  let kept = { of: timeline.current, memory: create() }
  return () => {
    if (kept.of !== timeline.current) kept = { of: timeline.current, memory: create() }
    return kept.memory
  }
}
