import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { ISSUER } from '../support/deployment.ts'
import { emptyDatabase, unpackVersion, VERSIONS } from '../support/older-versions.ts'
import { startProcess } from '../support/server.ts'
import { itKeepsItsPromises } from './support/scenario.ts'

/** Which of two processes runs the version before this one. Callers enrol at the first one. */
for (const old of ['instance-0', 'instance-1']) {
  itKeepsItsPromises({
    name: `two versions keep their promises together, with ${old} as the older one, while either is killed`,
    async world(started) {
      const databaseUrl = await emptyDatabase(started)
      const root = await unpackVersion(VERSIONS.previous, started)
      const kek = randomBytes(32).toString('base64')
      const cache = { NODE_COMPILE_CACHE: join(root, 'cache') }
      // The older version makes the schema, and this one migrates it while the older one starts again.
      const first = { DATABASE_URL: databaseUrl, AUTH4AGENT_KEK: kek, AUTH4AGENT_BASE_URL: ISSUER, ...cache }
      await (await startProcess({ root, env: first })).stop()
      return {
        databaseUrl,
        fleet: {
          apart: false,
          env: { AUTH4AGENT_KEK: kek },
          each: (name) => (name === old ? cache : {}),
          rootOf: (name) => (name === old ? root : undefined),
        },
        act: ({ fleet, random, fault, repeat }) =>
          repeat(async () => {
            const victim = random.pick(fleet.processes)
            await fault(`kill -9 of ${victim.name}`, () => victim.crash())
          }),
      }
    },
  })
}
