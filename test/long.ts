/**
 * Tests that `npm test` leaves to `npm run test:all`, and why: paths or globs from the checkout. A rule whose only test is here has a short form
 * elsewhere, or none that is short.
 */
export const LONG: Readonly<Record<string, string>> = {
  'test/fault/{bus,clocks,commit,crash,database,stop}.test.ts':
    'faults of all kinds at servers of their own, with clients at work, for a while',
  'test/simulation/{revocation,signing-keys}/mutants.test.ts':
    'each rule is broken once, and schedules are searched until one shows it',
  'test/bench/{bench,load/load}.test.ts': 'the benchmark starts every server that it compares',
  'test/clients/packages.test.ts': 'packages are built, packed and installed into an empty project',
  'test/e2e/embedded/{npm-start,terminal}.test.ts':
    'npm start is run and signalled in every way, each time with a database',
  'test/e2e/key-encryption-key/key-encryption-key.test.ts':
    'every process restarts under each key, one after the other',
  'test/e2e/readme-tour/tour.test.ts': 'the tours of the READMEs are pasted, each at a server of its own',
  'test/e2e/workers/workers.test.ts': 'workers are killed and replaced under load',
  'services/embedded-postgres/start.test.ts': 'a dozen databases are made, started and killed',
  'test/support/guardian.test.ts': 'servers and databases are started to be left behind',
  'test/e2e/cluster/cluster.test.ts': 'npm run cluster starts a dozen processes',
  'test/e2e/split-smoke/rolling-restart.test.ts': 'a dozen processes are replaced one after the other',
  'test/e2e/upgrade/upgrade.test.ts': 'version 1 runs beside this version',
  'test/e2e/key-rotation/{crash,key-rotation}.test.ts': 'keys are rotated again and again under load',
}
