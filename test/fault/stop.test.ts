import { testDatabase } from '../support/database.ts'
import { APART, itKeepsItsPromises, LEASE_MS } from './support/scenario.ts'

for (const apart of APART) {
  itKeepsItsPromises({
    name: `the server keeps its promises while ${apart ? 'an authn' : 'a whole'} process is frozen for many leases`,
    async world(started) {
      const { url, drop } = await testDatabase()
      started.defer(drop)
      return {
        databaseUrl: url,
        fleet: { apart },
        act: ({ fleet, random, fault, wait, repeat }) =>
          repeat(async () => {
            const { name, process } = random.pick(fleet.verifiers)
            await fault(`SIGSTOP of ${name}`, async () => {
              process.freeze()
              await wait(random.between(2, 6) * LEASE_MS)
              process.thaw()
            })
          }),
      }
    },
  })
}
