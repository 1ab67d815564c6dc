import { describe, expect, it } from 'vitest'
import { countingGroups, printableName } from './vouched-texts.ts'

describe('printableName', () => {
  it.each([
    ['keeps a name', 'Zoë  Müller 👩‍💻', 'Zoë  Müller 👩‍💻'],
    ['is empty for no name', '', ''],
    ['removes what no page can show and no database can store', ' a\u0000b\n\u202ec\u2066d ', 'a b c d'],
    ['replaces a lone surrogate', 'a\ud800', 'a\ufffd'],
    ['cuts at 200 characters', '👍'.repeat(201), '👍'.repeat(200)],
    ['cuts a huge name', 'a'.repeat(1_000_000), 'a'.repeat(200)],
  ])('%s', (_, name, expected) => {
    expect(printableName(name)).toBe(expected)
  })
})

describe('countingGroups', () => {
  const named = new Set(Array.from({ length: 100 }, (_, at) => `g${at}`))

  it('keeps only groups that a rule names, each once and byte for byte', () => {
    expect(countingGroups(['G1', 'g2', 'g1', 'g2', 'g1 ', 'g1\0'], named)).toEqual(['g1', 'g2'])
  })

  it('keeps at most 64 groups, always the same ones', () => {
    const all = [...named]
    const kept = countingGroups(all, named)
    expect(kept).toHaveLength(64)
    expect(countingGroups(all.toReversed(), named)).toEqual(kept)
  })
})
