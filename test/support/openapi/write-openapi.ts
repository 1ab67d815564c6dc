/** Writes `openapi.json` into the folder that the first argument names. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openApiDocument } from './document.ts'

const [target = ''] = process.argv.slice(2)
const document = await openApiDocument(join(import.meta.dirname, '../../..'))
writeFileSync(join(target, 'openapi.json'), `${JSON.stringify(document, undefined, 2)}\n`)
