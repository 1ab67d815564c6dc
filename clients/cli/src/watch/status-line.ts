import type { Writer } from '../context.ts'

/** A line at the foot of a terminal that says how old the last heartbeat is. */
export interface StatusLine {
  /** Takes the line off while something else is written. */
  around(write: () => void): void
  /** A heartbeat has come. */
  beat(): void
  [Symbol.dispose](): void
}

const REFRESH_MS = 250
/** Heartbeats come each second. */
const LATE_MS = 3000
/** Back to the start of the line, and nothing on it (ECMA-48). */
const CLEAR = '\r\u001b[2K'

/** Makes one; on what is no terminal it shows nothing. `nowMs` is a clock that only goes forward, in milliseconds. */
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
