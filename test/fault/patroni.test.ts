import { expect } from 'vitest'
import { startPatroni } from './support/patroni.ts'
import { itKeepsItsPromises } from './support/scenario.ts'

const WAYS = [
  ['HAProxy', 'url'],
  ['a list of the servers', 'hostsUrl'],
] as const

for (const [way, url] of WAYS)
  itKeepsItsPromises({
    name: `the server keeps its promises while Patroni replaces the primary, through ${way}`,
    minimums: { revocationsDuringFaults: 1, verificationsDuringFaults: 20 },
    async world(started) {
      const patroni = await startPatroni(started)
      return {
        databaseUrl: patroni.url,
        fleet: { apart: false, env: { DATABASE_URL: patroni[url], AUTH4AGENT_DURABILITY: 'quorum' } },
        async act({ random, fault, wait, repeat }) {
          const before = await patroni.timeline()
          await repeat(async () => {
            const isCrash = random.chance(0.5)
            await (isCrash
              ? fault('the primary crashes', () => patroni.crash())
              : fault('the primary hands over', () => patroni.switchOver()))
            await wait(random.between(500, 1_000))
          })
          const failovers = (await patroni.timeline()) - before
          process.stdout.write(`${failovers} new primaries\n`)
          expect(failovers).toBeGreaterThan(0)
        },
      }
    },
  })
