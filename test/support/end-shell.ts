import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { Account } from '../../services/embedded-postgres/account.ts'

/** How a shell ended, and what it wrote. */
export interface ShellResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs commands in a shell that stops at the first failure. */
export async function endShell(
  commands: string,
  env: Readonly<Record<string, string>>,
  account?: Account,
): Promise<ShellResult> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', commands], {
    ...account,
    cwd: '/',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code]: (number | null)[] = await ended
  return { code: code ?? null, stdout, stderr }
}
