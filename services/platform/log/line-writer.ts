import { writeSync } from 'node:fs'

/**
 * Options of createLineWriter: a file descriptor and how to write to it. `write` returns the number of written bytes.
 */
export interface LineOutput {
  readonly fd: number
  /** Returns the line that reports the number of dropped lines. */
  readonly describeLost: (lines: number) => string
  readonly write?: (fd: number, bytes: Uint8Array) => number
}

/** Limit of the backlog for a slow reader, in characters. Further lines are dropped. */
const MAX_WAITING = 4 * 1024 * 1024
/** Pause before the next attempt after a slow reader took nothing, in milliseconds. */
const RETRY_MS = 20
/** Number of attempts when the process ends. Each blocks the process for one pause. */
const LAST_TRIES = 10

/**
 * Returns a function that writes lines. It writes the lines of one turn of the event loop with one system call,
 * because one call per line would cost more than most RPCs.
 *
 * Writing never blocks. If a pipe is full, the function writes the rest later. It drops lines beyond a backlog of 4 Mi
 * characters, and a later line reports how many. After the reader has closed the pipe, it drops all lines without an
 * error.
 */
export function createLineWriter({ fd, describeLost, write = writeSync }: LineOutput): (line: string) => void {
  let waiting = ''
  let rest: Uint8Array = new Uint8Array()
  let lost = 0
  let isScheduled = false
  const reader = { isGone: false }

  /** Returns whether everything has been written. */
  const flush = (): boolean => {
    while (!reader.isGone && (rest.length > 0 || waiting !== '')) {
      if (rest.length === 0) {
        rest = Buffer.from(waiting)
        waiting = ''
      }
      const written = tryToWrite()
      if (written === 0) return false
      rest = rest.subarray(written)
    }
    return true
  }
  const tryToWrite = (): number => {
    try {
      return write(fd, rest)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code !== 'EAGAIN' && code !== 'EINTR') reader.isGone = true
      return 0
    }
  }
  const flushSoon = () => {
    isScheduled = false
    if (!flush() && !reader.isGone) {
      isScheduled = true
      setTimeout(flushSoon, RETRY_MS).unref()
    } else if (lost > 0) {
      const line = describeLost(lost)
      lost = 0
      writeLine(line)
    }
  }
  const writeLine = (line: string) => {
    if (reader.isGone) return
    if (waiting.length > MAX_WAITING) {
      lost += 1
      return
    }
    waiting += line
    if (isScheduled) return
    isScheduled = true
    setImmediate(flushSoon)
  }
  process.once('exit', () => {
    for (let tries = 0; tries < LAST_TRIES && !flush(); tries += 1) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
  })
  return writeLine
}
