import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { typeCheck } from '../../support/documents/type-check.ts'
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

describe('docs/operator-keys.md', () => {
  it('has commands and a signed HTTP request that work when pasted in order after the tour of the README', async () => {
    const [begin] = await blocks('README.md', 'sh')
    const commands = [
      begin,
      'export PATH="$PWD:$PATH"',
      ...(await blocks('docs/operator-keys.md', 'sh')),
      ...(await blocks('docs/operator-keys.md', 'sh rfc9421')),
    ]
    const output = await tour.paste(commands.join('\n'))
    expect(output).toMatch(/^key added: bob$[^]*^Key in use: bob$[^]*^key added: pipeline$/m)
    expect(output).toMatch(/^verified on this machine$[^]*^key removed: bob$[^]*^refused, as it should be$/m)
    expect(output).toMatch(/^the request changes:\n- key pipeline, agents\.register, until/m)
    expect(output).toMatch(/^root_key: /m)
    expect(output.trim().split('\n').at(-1)).toMatch(/^\{"id":".*"epoch":\d+/)
  })

  it('has a program that compiles', async () => {
    expect(await typeCheck((await blocks('docs/operator-keys.md', 'ts')).join('\n'))).toBe('')
  })
})
