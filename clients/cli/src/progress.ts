import type { Writer } from './context.ts'

const PATIENCE_MS = 1000
const FRAME_MS = 120
const frames = ['|', '/', '-', '\\'] as const
/** Moves to the start of the line and erases it (ECMA-48). */
const CLEAR = '\r\u001b[2K'

/** Awaits `work`. On a terminal it shows `what` if `work` takes more than a second, and erases `what` at the end. */
export async function showProgress<T>(writer: Writer, what: string, work: Promise<T>): Promise<T> {
  if (!writer.isTerminal) return work
  let frame = 0
  let timer = setTimeout(tick, PATIENCE_MS)
  function tick() {
    writer.write(`${CLEAR}${frames[frame % frames.length] ?? ''} ${what} …`)
    frame += 1
    timer = setTimeout(tick, FRAME_MS)
  }
  try {
    return await work
  } finally {
    clearTimeout(timer)
    if (frame > 0) writer.write(CLEAR)
  }
}
