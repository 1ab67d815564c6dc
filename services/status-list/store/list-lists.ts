import type pg from 'pg'

/** Lists of which a token may still be valid. A list with its end in the past may be removed at any moment. */
const LIVING = `
SELECT id::text FROM status_lists
WHERE ends_at > clock_timestamp() AND first_epoch = (SELECT first_epoch FROM deployment)
ORDER BY created_at, id`

/** Returns the ids of the lists in which tokens may still be valid, the oldest first. */
export async function listLists(pool: pg.Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ readonly id: string }>({ name: 'living-status-lists', text: LIVING })
  return rows.map(({ id }) => id)
}

/** Tells whether there is a list, also one in which all tokens have ended. */
export async function listExists(pool: pg.Pool, id: string): Promise<boolean> {
  const text = 'SELECT FROM status_lists WHERE id = $1::uuid'
  return (await pool.query({ name: 'status-list-exists', text, values: [id] })).rowCount === 1
}
