import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'

/** What a program may be told; SIGUSR1 is Node's own, and SIGKILL and SIGSTOP reach nobody but their process. */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGCONT'] as const
/** A terminal sends these to every program in front by itself. */
const FROM_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT'])
const SIGNAL_BASE = 128

/**
 * Runs a program with the standard streams of this one, and passes on the signals that come. Answers its exit code;
 * where a signal ended it, that signal ends this process too, so that shells see the same. Rejects with the system's
 * error where it cannot be started.
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
  // Here where a signal ends nobody, as one that is ignored from the start.
  return SIGNAL_BASE + constants.signals[signal]
}
