import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { updateOperatorConfig } from '@auth4agent/sdk/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../../../test/support/cli.ts'

const PASSWORD = 'hunter22'
const INIT = ['init', '--operator', '--domain', 'example.com']
const CALLS = ['audit list', 'revocation watch', 'operator proxy', 'operator status', 'operator register']

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-address-'))
})
afterEach(() => rm(home, { recursive: true }))

/** Runs a command in a folder whose operator.json has been changed. */
async function withConfig(command: string, changes: object) {
  await runCli(INIT, { home })
  await updateOperatorConfig(join(home, '.auth4agents'), { id: 'aaaaaaaa-1111-8111-8111-111111111111', ...changes })
  return runCli(command.split(' '), { home })
}

const ADDRESSES = [
  ['with http to another machine', 'http://192.0.2.1:8080'],
  ['with a password', `https://a:${PASSWORD}@auth.example.com`],
  ['with a query', 'https://auth.example.com/?a='],
  ['with a fragment', 'https://auth.example.com/#a'],
  ['of another protocol', 'ftp://auth.example.com'],
  ['with three slashes', 'https:///auth.example.com'],
  ['with the default port', 'https://auth.example.com:443'],
  ['with a dot after the host', 'https://auth.example.com.'],
] as const

describe.each(ADDRESSES)('an address %s', (_name, server_url) => {
  it('exits with 2 in a command line and creates no file', async () => {
    const { code, stderr } = await runCli([...INIT, '--server', server_url], { home })
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('is not a valid address of a server') })
    expect(stderr).not.toContain(PASSWORD)
    expect(await readdir(home)).toEqual([])
  })

  it.each(CALLS)('exits with 4 in the configuration of `%s`', async (command) => {
    const { code, stdout, stderr } = await withConfig(command, { server_url })
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toMatch(/is not a valid address of a server[^]*auth4agent context set --server/)
    expect(stderr).not.toContain(PASSWORD)
  })
})

describe('an invalid operator.json', () => {
  it.each(CALLS.slice(0, -1))('is reported by `%s` if its id is not a UUID', async (command) => {
    const { code, stderr } = await withConfig(command, { id: 'x' })
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining('must be a UUID') })
  })

  it.each(CALLS)('is reported by `%s` if it has neither id nor domain', async (command) => {
    expect(await withConfig(command, { id: '', domain: '' })).toMatchObject({ code: 4, stdout: '' })
  })
})
