import { expect } from 'vitest'
import { testDatabase } from '../support/database.ts'
import { startFullDiskPostgres } from '../support/full-disk.ts'
import { startOwnPostgres } from '../support/own-postgres.ts'
import {
  type ReplicatedPostgres,
  severalHosts,
  startReplicatedPostgres,
  walTimeline,
} from '../support/replicated-postgres.ts'
import type { Environment } from '../support/server.ts'
import { startTcpProxy, targetOf, urlThrough } from '../support/tcp-proxy.ts'
import { itKeepsItsPromises } from './support/scenario.ts'

itKeepsItsPromises({
  name: 'the server keeps its promises while PostgreSQL crashes and restarts',
  minimums: { revocationsDuringFaults: 1, verificationsDuringFaults: 20 },
  async world(started) {
    const postgres = await startOwnPostgres()
    started.defer(() => postgres.remove())
    return {
      databaseUrl: postgres.url,
      fleet: { apart: false },
      act: ({ random, fault, wait, repeat }) =>
        repeat(async () => {
          await fault('PostgreSQL crashes', async () => {
            await postgres.crash()
            await wait(random.between(0, 1_200))
            await postgres.restart()
          })
          await wait(random.between(500, 1_000))
        }),
    }
  },
})

const WAYS: readonly (readonly [way: string, settings: (postgres: ReplicatedPostgres) => Environment])[] = [
  ['through a proxy', () => ({})],
  [
    'by a list of the servers',
    ({ standbyUrl, primaryUrl }) => ({ DATABASE_URL: severalHosts(standbyUrl, primaryUrl) }),
  ],
]

for (const [way, settings] of WAYS) {
  itKeepsItsPromises({
    name: `the server keeps its promises when the synchronous standby is promoted, ${way}`,
    // The standby can be promoted only once, so a longer run adds nothing on a busy machine.
    minimums: { revocationsDuringFaults: 1, verificationsDuringFaults: 5 },
    async world(started) {
      const postgres = await startReplicatedPostgres()
      started.defer(() => postgres.remove())
      return {
        databaseUrl: postgres.url,
        fleet: { apart: false, env: settings(postgres) },
        async act({ fault, wait, repeat }) {
          await wait(1_000)
          const before = await walTimeline(postgres.url)
          await fault('the standby is promoted', async () => {
            await postgres.promote()
            await wait(500)
          })
          await repeat(() => wait(500))
          expect(await walTimeline(postgres.url)).not.toBe(before)
        },
      }
    },
  })
}

itKeepsItsPromises({
  name: 'the server keeps its promises with a slow database',
  async world(started) {
    const { url, drop } = await testDatabase()
    started.defer(drop)
    const proxy = await startTcpProxy(targetOf(url))
    started.defer(() => proxy.close())
    return {
      databaseUrl: urlThrough(proxy, url),
      fleet: { apart: false },
      act: ({ random, fault, wait, repeat }) =>
        repeat(() =>
          fault('the database is slow', async () => {
            for (let change = 0; change < 4; change += 1) {
              proxy.delay(random.between(1, 70))
              await wait(400)
            }
            proxy.delay(0)
          }),
        ),
    }
  },
})

itKeepsItsPromises({
  name: 'the server keeps its promises while the disk of the database is full',
  minimums: { revocationsDuringFaults: 0, verificationsDuringFaults: 20 },
  async world(started) {
    const postgres = await startFullDiskPostgres()
    started.defer(() => postgres.remove())
    return {
      databaseUrl: postgres.url,
      fleet: { apart: false },
      act: ({ fault, wait, repeat }) =>
        repeat(async () => {
          await fault('the disk is full', async () => {
            await postgres.fill()
            await wait(2_000)
            await postgres.free()
            await postgres.restart()
          })
          await wait(1_000)
        }),
    }
  },
})
