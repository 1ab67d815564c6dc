import type pg from 'pg'

/** How a transaction begins: `change` at the default level, or `snapshot`, in which all statements see one moment. */
const BEGIN = {
  change: 'BEGIN',
  snapshot: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
} as const

/**
 * Runs statements in one transaction on a connection of the pool, for statements that Prisma cannot express. A change
 * that needs an audit goes through `change` of the ledger.
 *
 * @throws what `work` throws; the transaction then changes nothing
 */
export async function inTransaction<T>(
  pool: pg.Pool,
  kind: keyof typeof BEGIN,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let failure: Error | undefined
  try {
    await client.query(BEGIN[kind])
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    // After a failure the transaction may still be open, so the pool must destroy the connection.
    client.release(failure)
  }
}
