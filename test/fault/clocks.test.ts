import { join } from 'node:path'
import { testDatabase } from '../support/database.ts'
import { itKeepsItsPromises } from './support/scenario.ts'

const SKEWED_CLOCK = join(import.meta.dirname, 'support/skewed-clock.ts')
/** Rates of monotonic clocks. They differ by less than 10 %, which leases allow for. */
const RATES: Readonly<Record<string, string>> = { 'instance-0': '0.96', 'instance-1': '1.04' }

itKeepsItsPromises({
  name: 'the server keeps its promises while clocks run fast, run slow and are set',
  minimums: { revocationsDuringFaults: 30, verificationsDuringFaults: 200 },
  async world(started) {
    const { url, drop } = await testDatabase()
    started.defer(drop)
    return {
      databaseUrl: url,
      fleet: {
        apart: false,
        each: (name) => ({
          NODE_OPTIONS: `--import=${SKEWED_CLOCK}`,
          SKEWED_CLOCK_RATE: RATES[name],
          // Two clocks may then differ by 8 s, which is within the clock skew that the server allows.
          SKEWED_CLOCK_JUMP_MS: '4000',
        }),
      },
      act: ({ fault, wait, repeat }) => repeat(() => fault('clocks are wrong', () => wait(1_000))),
    }
  },
})
