import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { blocks, startTour, type Tour } from './tour.ts'

const MAIN = join(import.meta.dirname, '../../../clients/cli/src/main.ts')

let tour: Tour
beforeAll(async () => {
  tour = await startTour()
  const program = join(tour.folder, 'auth4agent')
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
  await chmod(program, 0o755)
})
afterAll(() => tour?.stop())

it('docs/moving.md has commands that work when pasted in order after the tour of the README', async () => {
  const [begin] = await blocks('README.md', 'sh')
  const commands = [begin, 'export PATH="$PWD:$PATH"', ...(await blocks('docs/moving.md', 'sh'))]
  const output = await tour.paste(commands.join('\n'))
  expect(output).toMatch(/^a move waits$[^]*^agent released$[^]*^agent admitted$[^]*^agent moved$[^]*^token issued$/m)
})
