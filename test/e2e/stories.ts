/**
 * Stories that run in one mode only, and why: every other runs over one process and over services apart. Paths from the
 * checkout.
 */
export const ONE_MODE_STORIES: Readonly<Record<string, string>> = {
  'test/e2e/clock-skew/clock-skew.test.ts':
    'a process whose clock is wrong is never ready, and services apart wait for that',
  'test/e2e/cluster/cluster.test.ts': 'npm run cluster starts processes of its own',
  'test/e2e/embedded/embedded.test.ts': 'the embedded database belongs to one process',
  'test/e2e/embedded/npm-start.test.ts': 'npm start is one process',
  'test/e2e/embedded/refused-start.test.ts': 'a process that does not start is one process',
  'test/e2e/embedded/terminal.test.ts': 'a terminal shows one process',
  'test/e2e/key-encryption-key/key-encryption-key.test.ts':
    'what holds the key restarts one after the other, with whatever it runs',
  'test/e2e/key-import/key-import.test.ts': 'a process that is to start with a key of its own is one process',
  'test/e2e/key-rotation/crash.test.ts': 'the database holds up all that one process asks of it',
  'test/e2e/key-rotation/key-rotation.test.ts': 'one process of two has wrong clocks, in all that it does',
  'test/e2e/readme-tour/tour.test.ts': 'the README starts one process',
  'test/e2e/secrets-in-logs/data-folder.test.ts': 'the data folder with its secrets belongs to one process',
  'test/e2e/split-smoke/rolling-restart.test.ts': 'it starts services apart by itself',
  'test/e2e/split-smoke/split.test.ts': 'it starts services apart by itself',
  'test/e2e/upgrade/upgrade.test.ts': 'version 1 is one process',
  'test/e2e/workers/apart.test.ts': 'it starts services apart by itself',
  'test/e2e/workers/refused-start.test.ts': 'workers that do not start are of one process',
  'test/e2e/workers/workers.test.ts': 'the workers whose ports are shared are of one process',
}
