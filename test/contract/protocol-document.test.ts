import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withProtocolTables } from '../support/documents/protocol-tables.ts'

const path = join(import.meta.dirname, '../../docs/protocol.md')

describe('docs/protocol.md', () => {
  it('has the reasons, verdicts, rates and calls of the code: run `npm run generate` after a change', async () => {
    const document = await readFile(path, 'utf8')
    expect(withProtocolTables(document)).toBe(document)
  })

  it('lists the reason and status of the code in every table row', async () => {
    const document = await readFile(path, 'utf8')
    const broken = document.replace('| `CHALLENGE_EXPIRED` | 410 |', '| `CHALLENGE_EXPIRED` | 400 |')
    expect(broken).not.toBe(document)
    expect(withProtocolTables(broken)).toBe(document)
  })
})
