import type { Writer } from './context.ts'

const PATIENCE_MS = 1000
const FRAME_MS = 120
const frames = ['|', '/', '-', '\\'] as const
/** Back to the start of the line, and nothing on it (ECMA-48). */
const CLEAR = '\r\u001b[2K'

/** Waits for `work`; once that takes more than a second, says on a terminal what for, and wipes it off in the end. */
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
