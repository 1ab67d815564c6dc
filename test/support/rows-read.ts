import pg from 'pg'
import { vi } from 'vitest'

/** A row as PostgreSQL sends it. */
interface DataRow {
  /** Bytes of the message. */
  readonly length: number
}

/** Returns how much the database sends to this process while something is read. */
export async function rowsRead(
  read: () => Promise<unknown>,
): Promise<{ readonly rows: number; readonly bytes: number }> {
  const receive = vi.spyOn(pg.Query.prototype as unknown as { handleDataRow: (row: DataRow) => void }, 'handleDataRow')
  try {
    await read()
    const lengths = receive.mock.calls.map(([{ length }]) => length)
    if (lengths.length === 0) throw new Error('Nothing was read from the database')
    return { rows: lengths.length, bytes: lengths.reduce((sum, length) => sum + length, 0) }
  } finally {
    receive.mockRestore()
  }
}
