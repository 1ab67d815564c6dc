import type { Writer } from '../context.ts'

/** A line at the bottom of a terminal that shows the age of the last heartbeat. */
export interface StatusLine {
  /** Removes the line while `write` writes something else. */
  around(write: () => void): void
  /** Records that a heartbeat has arrived. */
  beat(): void
  [Symbol.dispose](): void
}

const REFRESH_MS = 250
/** A heartbeat is late after this time. The server sends one each second. */
const LATE_MS = 3000
/** Moves to the start of the line and erases it (ECMA-48). */
const CLEAR = '\r\u001b[2K'

/** Creates a status line, which shows nothing without a terminal. `nowMs` is a monotonic clock in milliseconds. */
export function createStatusLine({ write, isTerminal }: Writer, nowMs = () => performance.now()): StatusLine {
  if (!isTerminal) return { around: (other) => other(), beat: () => undefined, [Symbol.dispose]: () => undefined }
  let beatAt: number | undefined
  const show = () => {
    const ageMs = beatAt === undefined ? undefined : nowMs() - beatAt
    const age = ageMs === undefined ? 'no heartbeat yet' : `last heartbeat ${(ageMs / 1000).toFixed(1)} s ago`
    write(`${CLEAR}${age}${ageMs !== undefined && ageMs > LATE_MS ? ': the server is silent' : ''}`)
  }
  const timer = setInterval(show, REFRESH_MS)
  return {
    around(other) {
      write(CLEAR)
      other()
      show()
    },
    beat() {
      beatAt = nowMs()
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      write(CLEAR)
    },
  }
}
