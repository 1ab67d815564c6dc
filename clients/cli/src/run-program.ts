import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'

/** Forwarded signals. Node uses SIGUSR1 itself, and no process can handle SIGKILL and SIGSTOP. */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGCONT'] as const
/** A terminal sends these signals to every program in the foreground, so the tool does not forward them. */
const FROM_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT'])
const SIGNAL_BASE = 128

/**
 * Runs a program with the standard streams of this process, and forwards signals to it. Resolves with its exit code.
 * If a signal ended the program, the same signal ends this process, so that shells see the same result. Rejects with
 * the system's error if the program cannot start.
 */
export async function runProgram(
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const child = spawn(program, args, { env, stdio: 'inherit' })
  const passOn = (signal: NodeJS.Signals) => {
    if (!(FROM_TERMINAL.has(signal) && process.stdin.isTTY)) child.kill(signal)
  }
  for (const signal of PASSED_ON) process.on(signal, passOn)
  try {
    const [code, signal]: (number | NodeJS.Signals | null)[] = await once(child, 'exit')
    if (typeof code === 'number') return code
    return endBy(signal)
  } finally {
    for (const signal of PASSED_ON) process.off(signal, passOn)
  }
}

function endBy(signal: number | NodeJS.Signals | null | undefined): number {
  if (typeof signal !== 'string') return SIGNAL_BASE
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  // Reached only if the signal does not end this process, for example because it is ignored.
  return SIGNAL_BASE + constants.signals[signal]
}
