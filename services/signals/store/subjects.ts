import type pg from 'pg'

/** The subjects that a receiver has added to a stream or removed from it, by their key. */
export type SubjectChoices = ReadonlyMap<string, 'added' | 'removed'>

/** The key of an agent, or of another subject with a `sub` of this issuer. */
export function subKey(sub: string): string {
  return `sub ${sub}`
}

/** The key of a token. */
export function jtiKey(jti: string): string {
  return `jti ${jti}`
}

/**
 * Reads which of these subjects the receiver of a stream has added or removed. A subject that is neither is in the
 * stream if it belongs to the stream's operator.
 */
export async function readChoices(pool: pg.Pool, streamId: string, keys: readonly string[]): Promise<SubjectChoices> {
  const { rows } = await pool.query<{ key: string; isAdded: boolean }>({
    name: 'signal-choices',
    text: `SELECT key, is_added AS "isAdded" FROM signal_subjects WHERE stream_id = $1::uuid AND key = ANY ($2::text[])`,
    values: [streamId, keys],
  })
  return new Map(rows.map(({ key, isAdded }) => [key, isAdded ? 'added' : 'removed']))
}
