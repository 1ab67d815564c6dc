import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { updateOperatorConfig } from '@auth4agent/sdk/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'

let home: string
const id = (...flags: readonly string[]) => runCli(['operator', 'show-id', ...flags], { home })

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-id-'))
})
afterEach(() => rm(home, { recursive: true }))

describe('operator show-id', () => {
  it('prints the id alone with --quiet, and asks no server', async () => {
    await runCli(['init', '--operator', '--domain', 'shop.test', '--server', 'http://localhost:1234'], { home })
    await updateOperatorConfig(join(home, '.auth4agents'), { id: ID })
    expect(await id('--quiet')).toEqual({ code: 0, stdout: `${ID}\n`, stderr: '' })
    expect((await id()).stdout).toBe(`id: ${ID}\ndomain: shop.test\n`)
    expect(JSON.parse((await id('--json')).stdout)).toEqual({ id: ID, domain: 'shop.test' })
  })

  it('says that an operator without an id is not registered, and prints no empty id', async () => {
    expect(await id('--quiet')).toMatchObject({ code: 4, stdout: '', stderr: expect.stringContaining('no operator') })
    await runCli(['init', '--operator', '--domain', 'shop.test', '--server', 'http://localhost:1234'], { home })
    expect(await id('--quiet')).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringContaining('auth4agent operator register'),
    })
  })
})
