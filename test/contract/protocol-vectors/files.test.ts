import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeVectors } from '../../vectors/protocol/make.ts'
import { VECTORS } from '../support/read-vectors.ts'

const made = await makeVectors()
const committed = readdirSync(VECTORS).filter((name) => name.endsWith('.json'))

describe('the files of test/vectors/protocol', () => {
  it('are exactly the files that make.ts makes', () => {
    expect(committed.toSorted()).toEqual(Object.keys(made).toSorted())
  })

  it.each(committed)('%s has the content that make.ts makes (npm run vectors)', (name) => {
    expect(readFileSync(join(VECTORS, name), 'utf8')).toBe(made[name])
  })

  it.each(committed)('%s warns of its public test keys, and has a different name for each case', (name) => {
    const file: Record<string, unknown> = JSON.parse(made[name] ?? '')
    expect(file['description']).toMatch(/public test keys/)
    for (const cases of Object.values(file)) {
      if (!Array.isArray(cases)) continue
      const names = cases.flatMap((each: { name?: string }) => each.name ?? [])
      expect(new Set(names).size).toBe(names.length)
    }
  })
})
