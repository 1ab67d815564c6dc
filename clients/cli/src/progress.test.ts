import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { showProgress } from './progress.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** Returns the text that is written during work of this length. */
async function written(isTerminal: boolean, takesMs: number): Promise<string> {
  let text = ''
  const work = new Promise((resolve) => setTimeout(resolve, takesMs))
  const write = (more: string) => {
    text += more
  }
  const shown = showProgress({ isTerminal, write }, 'asking', work)
  await vi.advanceTimersByTimeAsync(takesMs)
  await shown
  await vi.advanceTimersByTimeAsync(10_000)
  return text
}

it('showProgress writes only to a terminal and only after one second, and erases the text at the end', async () => {
  expect(await written(true, 900)).toBe('')
  const text = await written(true, 1300)
  expect(text).toContain('asking …')
  expect(text.endsWith('\r\u001b[2K')).toBe(true)
  expect(await written(false, 5000)).toBe('')
})
