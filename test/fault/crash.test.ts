import { testDatabase } from '../support/database.ts'
import { APART, itKeepsItsPromises } from './support/scenario.ts'

for (const apart of APART) {
  itKeepsItsPromises({
    name: `the server keeps its promises while ${apart ? 'split services' : 'whole processes'} are killed one by one`,
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
