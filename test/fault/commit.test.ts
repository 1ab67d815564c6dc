import { Client } from 'pg'
import { testDatabase } from '../support/database.ts'
import { startNats } from '../support/nats-server.ts'
import { startTcpProxy, targetOf, urlThrough } from '../support/tcp-proxy.ts'
import { itKeepsItsPromises } from './support/scenario.ts'

/** The processes that commit changes that end tokens. A proxy delays the answers of the database to them. */
const REVOKERS = new Set(['revocation-0', 'identity-0', 'operator-registry-0'])
const DELAY_MS = 15

itKeepsItsPromises({
  name: 'the server keeps its promises while processes die between commit and publishing',
  minimums: { revocations: 12, revocationsDuringFaults: 4 },
  async world(started) {
    const { url, drop } = await testDatabase()
    started.defer(drop)
    const proxy = await startTcpProxy(targetOf(url))
    started.defer(() => proxy.close())
    proxy.delay(DELAY_MS)
    const nats = await startNats()
    started.defer(() => nats.remove())
    const listener = new Client({ connectionString: url })
    await listener.connect()
    started.defer(() => listener.end())
    await listener.query('LISTEN auth4agent_revocation')
    return {
      databaseUrl: url,
      fleet: {
        apart: true,
        env: { NATS_URL: nats.url },
        each: (name) => (REVOKERS.has(name) ? { DATABASE_URL: namedUrl(urlThrough(proxy, url), name) } : {}),
      },
      act: ({ fleet, random, fault, wait, repeat }) =>
        repeat(async () => {
          await wait(random.between(300, 1_000))
          const name = await nextCommitter(listener)
          const victim = fleet.processes.find((process) => process.name === name)
          // The process does not know yet that it has committed, so it has published nothing.
          if (victim !== undefined) await fault(`${name} dies`, () => victim.crash())
        }),
    }
  },
})

/** Adds an application name to the URL, which then names the connections in pg_stat_activity. */
function namedUrl(url: string, name: string): string {
  const named = new URL(url)
  named.searchParams.set('application_name', name)
  return named.href
}

/** Waits for the next commit that ends tokens. Returns the name of its process. */
async function nextCommitter(listener: Client): Promise<string | undefined> {
  const pid = await new Promise<number>((resolve) =>
    listener.once('notification', ({ processId }) => resolve(processId)),
  )
  const { rows } = await listener.query<{ name: string }>(
    'SELECT application_name AS name FROM pg_stat_activity WHERE pid = $1',
    [pid],
  )
  return rows[0]?.name
}
