import type pg from 'pg'
import type { Queries } from './read-issuers.ts'

/** Reads in one snapshot of the primary. */
export async function inSnapshot<T>(pool: pg.Pool, read: (queries: Queries) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let failure: Error | undefined
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const found = await read(client)
    await client.query('COMMIT')
    return found
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    // After a failure the transaction may still be open, so the pool must destroy the connection.
    client.release(failure)
  }
}
