import { testDatabase } from '../support/database.ts'
import { APART, itKeepsItsPromises } from './support/scenario.ts'

for (const apart of APART) {
  itKeepsItsPromises({
    name: `kill -9 of ${apart ? 'services apart' : 'whole instances'}, one after the other`,
    async world(started) {
      const { url, drop } = await testDatabase()
      started.defer(drop)
      return {
        databaseUrl: url,
        fleet: { apart },
        act: ({ fleet, random, fault, repeat }) =>
          repeat(async () => {
            const victim = random.pick(fleet.processes)
            await fault(`kill -9 of ${victim.name}`, () => victim.crash())
          }),
      }
    },
  })
}
