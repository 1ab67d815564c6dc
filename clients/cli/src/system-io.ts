import { once } from 'node:events'
import { homedir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { isatty } from 'node:tty'
import { CliError } from './cli-error.ts'
import type { Io, Writer } from './context.ts'
import { exitCodes } from './exit-codes.ts'
import { runProgram } from './run-program.ts'

const MAX_STDIN_BYTES = 1_048_576

/** Returns access to the real system. The first Ctrl-C aborts the signal; the second one ends the process at once. */
export function systemIo(): Io {
  const stop = new AbortController()
  const { signal } = stop
  process.once('SIGINT', () => stop.abort('interrupted'))
  process.once('SIGTERM', () => stop.abort('terminated'))
  return {
    stdout: writerOf(process.stdout, 1, stop),
    stderr: writerOf(process.stderr, 2, stop),
    readStdin: () => readStdin(signal),
    ask: isatty(0) && isatty(2) ? (question) => ask(question, signal) : undefined,
    env: process.env,
    home: homedir(),
    fetch: globalThis.fetch,
    now: Date.now,
    signal,
    pause: (ms) => delay(ms, undefined, { signal }),
    runProgram,
  }
}

function writerOf(stream: NodeJS.WriteStream, fd: number, stop: AbortController): Writer {
  stream.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
    if (!stop.signal.aborted && code !== 'EPIPE') reportLoss(fd, code)
    // The reader, such as `head`, has closed the pipe. The command ends and cleans up.
    stop.abort('unread')
  })
  return { write: (text) => void stream.write(text), isTerminal: isatty(fd) }
}

/** Reports that the answer is lost, for example on a full disk, and makes the process exit with 70. */
function reportLoss(fd: number, code: string): void {
  if (fd === 1) process.stderr.write(`error: The answer cannot be written: ${code}\n`)
  process.once('exit', () => {
    process.exitCode = exitCodes.internal.code
  })
}

async function ask(question: string, signal: AbortSignal): Promise<string> {
  // Loaded on demand, because almost no command asks.
  const { createInterface } = await import('node:readline/promises')
  const reader = createInterface({ input: process.stdin, output: process.stderr })
  // readline takes Ctrl-C from the terminal, so the tool must get the signal from readline.
  reader.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    // Without an answer, as after Ctrl-D, the promise of the question would stay pending.
    const closed = once(reader, 'close').then(() => '')
    return await Promise.race([reader.question(question, { signal }), closed])
  } finally {
    reader.close()
  }
}

async function readStdin(signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = []
  signal.addEventListener('abort', () => process.stdin.destroy(new Error('Interrupted')), { once: true })
  let size = 0
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > MAX_STDIN_BYTES) {
      throw new CliError('Standard input must have at most 1 MiB', { reason: 'USAGE', exit: 'usage' })
    }
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}
