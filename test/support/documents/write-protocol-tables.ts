/** Writes the tables of `docs/protocol.md` that follow from the code (`npm run generate`). */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withProtocolTables } from './protocol-tables.ts'

const path = join(import.meta.dirname, '../../../docs/protocol.md')
writeFileSync(path, withProtocolTables(readFileSync(path, 'utf8')))
