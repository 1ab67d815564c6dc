import { expect } from 'vitest'
import { startPatroni } from './support/patroni.ts'
import { itKeepsItsPromises } from './support/scenario.ts'

itKeepsItsPromises({
  name: 'the server keeps its promises while Patroni replaces the primary',
  minimums: { revocationsDuringFaults: 1, verificationsDuringFaults: 20 },
  async world(started) {
    const patroni = await startPatroni(started)
    return {
      databaseUrl: patroni.url,
      fleet: { apart: false, env: { AUTH4AGENT_DURABILITY: 'quorum' } },
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
