import { Client } from 'pg'
import { expect, it } from 'vitest'
import { createDataFolder } from '../../test/support/data-folder.ts'
import { silentLog } from '../../test/support/database.ts'
import { startEmbeddedPostgres } from './start.ts'

it('startEmbeddedPostgres allows the given number of connections, and at least 100', async () => {
  const data = await createDataFolder()
  try {
    const found: unknown[] = []
    for (const maxConnections of [230, 20]) {
      const postgres = await startEmbeddedPostgres({ dataDir: data.path, maxConnections, log: silentLog })
      const client = new Client({ connectionString: postgres.url })
      try {
        await client.connect()
        found.push(...(await client.query('SHOW max_connections')).rows)
      } finally {
        await client.end()
        await postgres.stop()
      }
    }
    expect(found).toEqual([{ max_connections: '230' }, { max_connections: '100' }])
  } finally {
    await data.remove()
  }
})
