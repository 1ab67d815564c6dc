import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createStatusLine } from './status-line.ts'

let shown: string[]

beforeEach(() => {
  vi.useFakeTimers()
  shown = []
})
afterEach(() => vi.useRealTimers())

function make(isTerminal: boolean) {
  return createStatusLine(
    { write: (text) => void shown.push(text.replaceAll('\r\u001b[2K', '')), isTerminal },
    Date.now,
  )
}

it('the status line shows the age of the last heartbeat, and that the server is silent after 3 s', () => {
  using status = make(true)
  vi.advanceTimersByTime(250)
  expect(shown.at(-1)).toBe('no heartbeat yet')
  status.beat()
  vi.advanceTimersByTime(500)
  expect(shown.at(-1)).toBe('last heartbeat 0.5 s ago')
  vi.advanceTimersByTime(3000)
  expect(shown.at(-1)).toBe('last heartbeat 3.5 s ago: the server is silent')
})

it('the status line is removed for other text and at the end', () => {
  const status = make(true)
  status.beat()
  status.around(() => shown.push('a record\n'))
  expect(shown).toEqual(['', 'a record\n', 'last heartbeat 0.0 s ago'])
  status[Symbol.dispose]()
  vi.advanceTimersByTime(1000)
  expect(shown.at(-1)).toBe('')
})

it('the status line writes nothing without a terminal', () => {
  using status = make(false)
  status.beat()
  status.around(() => undefined)
  vi.advanceTimersByTime(1000)
  expect(shown).toEqual([])
})
