import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProgram } from '../../support/child-process.ts'
import { ensureInstalled, findProgram } from '../../support/debian-package.ts'

const MISSING = 'The tests need HAProxy. Install it with "apt-get install haproxy", or put it in your PATH.'

/** Returns a new folder for files of HAProxy, which ends with `started`. */
export async function haproxyFolder(started: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'a4a-haproxy-'))
  started.defer(() => rm(folder, { recursive: true }))
  return folder
}

/** Starts a real HAProxy with these files, in this order. Resolves with a function that stops it. */
export async function startHaproxy(files: readonly string[]): Promise<() => Promise<void>> {
  const command = await ensureInstalled({ name: 'haproxy', find: () => findProgram('haproxy'), missing: MISSING })
  const args = ['-W', ...files.flatMap((file) => ['-f', file])]
  const haproxy = await startProgram({ name: 'haproxy', command, args, isReady: /Loading success/ })
  return () => haproxy.end('SIGTERM')
}
