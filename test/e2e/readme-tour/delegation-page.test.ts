import { execFile } from 'node:child_process'
import { chmod, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { typeCheck } from '../../support/documents/type-check.ts'
import { freePort } from '../../support/free-port.ts'
import { blocks, startTour, type Tour } from './tour.ts'

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

let tour: Tour
beforeEach(async () => {
  tour = await startTour()
})
afterEach(() => tour?.stop())

describe('docs/delegation.md', () => {
  it('has a program that compiles and does what the page explains', async () => {
    const text = (await blocks('docs/delegation.md', 'ts')).join('\n')
    const program = text.replaceAll('3000', String(await freePort()))
    expect(await typeCheck(program)).toBe('')
    await symlink(join(ROOT, 'node_modules'), join(tour.folder, 'node_modules'))
    await writeFile(join(tour.folder, 'program.mts'), tour.adapt(program))
    const { stdout, stderr } = await run(process.execPath, ['program.mts'], { cwd: tour.folder })
    // The verifier warns here if its key is a root key.
    expect(stderr).toBe('')
    expect(stdout.trim().split('\n')).toEqual([
      'grants 3',
      'paid 200 true true',
      'refused 403 ARGUMENT_REFUSED',
      'refused 403 CAPABILITY_MISSING',
      'refused CONSTRAINT_WIDENED',
      'refused GRANT_NOT_HELD',
      'token true true',
      'audit true',
      'refused 401 AGENT_TOKENS_ENDED',
    ])
  })

  it('has commands that work when pasted in order', async () => {
    const program = join(tour.folder, 'auth4agent')
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'clients/cli/src/main.ts')}' "$@"\n`)
    await chmod(program, 0o755)
    const commands = (await blocks('docs/delegation.md', 'sh tour')).join('\n')
    const output = await tour.paste(commands.replace('$PWD/node_modules/.bin', '$PWD'))
    expect(output).toMatch(
      /^grant given$[^]*^written to data\/story\/planner\.txt$[^]*^written to data\/story\/worker\.txt$\n^refused, as/m,
    )
    expect(output).toMatch(/^state: valid$[^]*^revocation: checked$[^]*is narrower than grant 1$/m)
    expect(output).toMatch(/^accepted: the chain allows the call$[^]*^refused: ARGUMENT_REFUSED$[^]*^refused, as/m)
    expect(output).toMatch(
      /^token issued$[^]*^written to data\/story\/token$[^]*token\.exchange[^]*^ {4}principal did:/m,
    )
    expect(output).toMatch(/^agent suspended$[^]*^state: AGENT_TOKENS_ENDED$[^]*ends with grant 1$[^]*^ended, as/m)
    expect(output).toMatch(/^grant revoked$[^]*agent\.suspend/m)
  })
})
