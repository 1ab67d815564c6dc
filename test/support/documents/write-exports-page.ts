/** Writes docs/exports.md. `npm run generate` runs it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportsPage } from './exports-page.ts'

writeFileSync(join(import.meta.dirname, '../../../docs/exports.md'), exportsPage())
