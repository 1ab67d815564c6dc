import { expect, it } from 'vitest'
import { createStyle } from '../style.ts'
import { createNarrator } from './narrator.ts'

const STEP = { step: 'one', title: 'First', lines: ['a\u001b[2J'], facts: { n: 1 } }

it.each([
  ['a title for the act that begins', { act: 'The parties' }, '=== The parties ===\n\n 1. First\n    a?[2J\n\n'],
  ['no title within an act', {}, ' 1. First\n    a?[2J\n\n'],
])('the narrator prints %s', (_name, act, text) => {
  let written = ''
  const stdout = { isTerminal: false, write: (part: string) => void (written += part) }
  createNarrator({ json: false, quiet: false, style: createStyle(false), stdout })({ ...STEP, ...act })
  expect(written).toBe(text)
})
