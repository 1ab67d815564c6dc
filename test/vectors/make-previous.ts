import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const ROOT = join(import.meta.dirname, '../..')
/** What `node services/main.ts` needs, without the packages of others, and without what only tests and people read. */
const FILES = [
  'services',
  'clients/core',
  'gen',
  'prisma/migrations',
  'package.json',
  ...['*.test.ts', '*.md', 'services/**/vectors'].map((path) => `:!${path}`),
  ...['models*', '*rowser.ts', 'commonInputTypes.ts'].map((path) => `:!gen/prisma/${path}`),
]

/** Archives a commit as `previous.tgz`. */
export function makePrevious(commit: string): void {
  const tar = execFileSync('git', ['archive', '--format=tar', commit, ...FILES], { cwd: ROOT, maxBuffer: 2 ** 30 })
  writeFileSync(join(import.meta.dirname, 'previous.tgz'), gzipSync(tar, { level: 9 }))
}
