import { homedir } from 'node:os'
import { isatty } from 'node:tty'
import { CliError } from './cli-error.ts'
import type { Io, Writer } from './context.ts'

const MAX_STDIN_BYTES = 1_048_576

/** The real system. Ctrl-C aborts what is under way; pressed again, it ends the process on the spot. */
export function systemIo(): Io {
  const signal = stopSignal()
  return {
    stdout: writerOf(process.stdout, 1),
    stderr: writerOf(process.stderr, 2),
    readStdin: () => readStdin(signal),
    env: process.env,
    home: homedir(),
    fetch: globalThis.fetch,
    now: Date.now,
    signal,
  }
}

function writerOf(stream: NodeJS.WriteStream, fd: number): Writer {
  // Whoever reads has heard enough, as `head` does.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
  return { write: (text) => void stream.write(text), isTerminal: isatty(fd) }
}

async function readStdin(signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = []
  signal.addEventListener('abort', () => process.stdin.destroy(new Error('interrupted')), { once: true })
  let size = 0
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > MAX_STDIN_BYTES) {
      throw new CliError('standard input has more than 1 MiB', { reason: 'USAGE', exit: 'usage' })
    }
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function stopSignal(): AbortSignal {
  const controller = new AbortController()
  process.once('SIGINT', () => controller.abort('interrupted'))
  process.once('SIGTERM', () => controller.abort('terminated'))
  return controller.signal
}
