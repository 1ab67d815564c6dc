import { writeSync } from 'node:fs'

/** Where lines go: a file descriptor, and how bytes are written to it; answers how many were. */
export interface LineOutput {
  readonly fd: number
  /** Makes the line that says how many were lost. */
  readonly describeLost: (lines: number) => string
  readonly write?: (fd: number, bytes: Uint8Array) => number
}

/** What may wait for a reader that does not keep up, in characters; what comes after is lost. */
const MAX_WAITING = 4 * 1024 * 1024
/** How long until a reader that did not keep up is tried again, in milliseconds. */
const RETRY_MS = 20
/** And how often at the end of the process, when nothing else can be done meanwhile. */
const LAST_TRIES = 10

/**
 * Makes the function that writes lines, those of one turn of the event loop by one system call: one for each would cost more than
 * most calls do. Nobody waits for whoever reads them: what a full pipe does not take is tried again, and beyond a bound it is lost,
 * which a line says once there is room. A reader that has gone is no fault.
 */
export function createLineWriter({ fd, describeLost, write = writeSync }: LineOutput): (line: string) => void {
  let waiting = ''
  let rest: Uint8Array = new Uint8Array()
  let lost = 0
  let isScheduled = false
  const reader = { isGone: false }

  /** Whether all has been written. */
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
