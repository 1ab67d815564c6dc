import process from 'node:process'
import { expect } from 'vitest'
import { KINDS, startPatroni } from './support/patroni/cluster.ts'
import { measureRecovery } from './support/patroni/recovery.ts'
import { IS_LONG, itKeepsItsPromises } from './support/scenario.ts'

/** One kind of failover instead of any; undefined for any. */
const KIND = KINDS.find((kind) => kind === process.env['FAULT_KIND'])
/** The kinds that wait for no lead of 20 s to run out. A short run has them after its first failover. */
const QUICK = ['crash', 'hand over'] as const
/** Each way to the primary, and the first failover of its run. */
const WAYS = [
  ['HAProxy', 'url', 'partition'],
  ['a list of the servers', 'hostsUrl', 'freeze'],
  ['PgBouncer', 'poolerUrl', 'kill'],
] as const

for (const [way, url, first] of WAYS)
  itKeepsItsPromises({
    name: `the server keeps its promises while Patroni replaces the primary, through ${way}`,
    // Three servers start, and the lead of a lost machine lasts 20 s.
    overheadMs: 400_000,
    minimums: { revocationsDuringFaults: 1, verificationsDuringFaults: 20 },
    async world(started) {
      const patroni = await startPatroni(started)
      return {
        databaseUrl: patroni.url,
        fleet: { apart: false, env: { DATABASE_URL: patroni[url], AUTH4AGENT_DURABILITY: 'quorum' } },
        async act({ fleet, random, fault, wait, repeat }) {
          const recovery = await measureRecovery(fleet)
          const before = await patroni.timeline()
          let next: (typeof KINDS)[number] = first
          await repeat(async () => {
            const kind = KIND ?? next
            next = random.pick(IS_LONG ? KINDS : QUICK)
            await fault(`a failover: ${kind}`, () => patroni.failOver(kind, () => recovery.begin()))
            await wait(random.between(500, 1_000))
          })
          const failovers = (await patroni.timeline()) - before
          const times = await recovery.times()
          const at = (share: number) => `${times[Math.floor(times.length * share)]?.toFixed(0)} ms`
          process.stdout.write(
            `${failovers} new primaries; a process verifies and issues after one takes writes: ` +
              `p50 ${at(0.5)}, p99 ${at(0.99)} of ${times.length}\n`,
          )
          expect(failovers).toBeGreaterThan(0)
        },
      }
    },
  })
