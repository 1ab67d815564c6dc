import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { guard } from '../../support/guardian.ts'
import type { Environment } from '../../support/server.ts'
import { PATIENCE_MS } from '../../support/until.ts'

/** The end of a process that refused to start: its exit status and its output. */
export interface RefusedStart {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const ROOT = join(import.meta.dirname, '../../..')

/** Starts a server that should refuse to start. Keeps its stdout and stderr apart. */
export async function refusedStart(env: Environment): Promise<RefusedStart> {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, ['services/main.ts'], {
    cwd: ROOT,
    env: { PATH, HOME, PORT: '0', AUTH4AGENT_GRPC_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process that starts although it should not is ended after this time.
    timeout: PATIENCE_MS,
  })
  guard(child, 'SIGTERM')
  const ended: Promise<(number | null)[]> = once(child, 'close')
  const [stdout, stderr, [status = null]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { status, stdout, stderr }
}
