import { expect, it } from 'vitest'
import { drawTerminal } from './draw-terminal.ts'

const LINES = [
  { text: ' 1. First', atMs: 500 },
  { text: '    a < b && "c"', atMs: 500 },
  { text: '', atMs: 900 },
  { text: ' 2. Second', atMs: 900 },
]

it('drawTerminal draws every line that is not empty, in order, as plain text', () => {
  const texts = [...drawTerminal('run it', LINES).matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, text]) => text)
  expect(texts).toEqual(['$ run it', ' 1. First', '    a &lt; b &amp;&amp; "c"', ' 2. Second'])
})

it('drawTerminal shows lines at full brightness in the order of their times, with proportional delays', () => {
  const delays = [...drawTerminal('run it', LINES).matchAll(/animation-delay: ([\d.]+)s/g)].map(([, delay]) =>
    Number(delay),
  )
  expect(delays).toEqual([0.5, 0.5, 8.5])
})

/** Returns the width of a picture whose longest line has this many characters. */
const width = (columns: number) =>
  Number(/width="(\d+)"/.exec(drawTerminal('x', [{ text: 'x'.repeat(columns), atMs: 0 }]))?.[1])

it('drawTerminal makes the picture as wide as the longest line', () => {
  expect(width(100) - width(50)).toBeCloseTo(50 * 7.865, -1)
})
