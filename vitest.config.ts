import { defineConfig } from 'vitest/config'
import { LONG } from './test/long.ts'
import { project, REPLACING, SHARED, STORIES } from './test/support/projects.ts'

const ALL = ['clients/**/*.test.ts', 'services/**/*.test.ts', 'test/**/*.test.ts']
const GROWTH = 'test/growth/statements.test.ts'
/** Runs only with Debian's PostgreSQL. */
const DEBIAN = 'test/debian/**'
const ELSEWHERE = Object.keys(LONG)

/** `npm test`: runs every short test. Servers run in the process of their test, unless it kills or freezes them. */
export default defineConfig({
  test: {
    ...SHARED,
    projects: [
      project({
        name: 'unit',
        mode: 'inside',
        include: ALL,
        exclude: [STORIES, GROWTH, DEBIAN, ...REPLACING, ...ELSEWHERE],
      }),
      project({ name: 'replacing', mode: 'inside', include: REPLACING, exclude: ELSEWHERE, isolate: true }),
      project({ name: 'e2e', mode: 'inside', include: [STORIES], exclude: ELSEWHERE }),
      // It judges the statements that the other tests have recorded.
      project({ name: 'growth', mode: 'inside', include: [GROWTH], isLast: true }),
    ],
  },
})
