import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CliOptions, runCli } from '../../../test/support/cli.ts'

let home: string
let root: string
const tool = (line: string, options: CliOptions = {}) => runCli(line.split(' ').filter(Boolean), { home, ...options })
const init = (more: string) => tool(`init --domain example.com --quiet ${more}`)
/** Returns the agent that a command line finds. */
const whoami = async (more = '', env: CliOptions['env'] = {}) =>
  (await tool(`whoami --quiet ${more}`.trim(), { env })).stdout.trim()

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-contexts-'))
  root = join(home, '.auth4agents')
})
afterEach(() => rm(home, { recursive: true }))

describe('contexts', () => {
  it('are created by init and chosen by --config, --context, AUTH4AGENT_CONTEXT, context use or default, in this order', async () => {
    const first = (await init('--server http://localhost:8080')).stdout.trim()
    expect(await tool('context list')).toMatchObject({
      stdout: `   CONTEXT  SERVER                 OPERATOR  AGENT\n*  default  http://localhost:8080            ${first}\n`,
    })
    const [staging, production] = [
      (await init('--context staging')).stdout.trim(),
      (await init('--context production')).stdout.trim(),
    ]
    expect(await whoami()).toBe(first)
    expect(await tool('context use staging --quiet')).toEqual({ code: 0, stdout: 'staging\n', stderr: '' })
    expect(await whoami()).toBe(staging)
    expect(await whoami('', { AUTH4AGENT_CONTEXT: 'production' })).toBe(production)
    expect(await whoami('--context default', { AUTH4AGENT_CONTEXT: 'production' })).toBe(first)
    expect(await whoami(`--config ${root}`, { AUTH4AGENT_CONTEXT: 'production' })).toBe(first)
    expect((await tool('context list --quiet')).stdout).toBe('default\nproduction\nstaging\n')
    expect(JSON.parse((await tool('context show --json')).stdout)).toEqual({
      name: 'staging',
      folder: join(root, 'contexts/staging'),
      server_url: 'http://localhost:8080',
      did: staging,
      chosen_by: 'context use',
    })
    expect(await tool('context use default')).toMatchObject({ code: 0 })
    expect(await whoami()).toBe(first)
  })

  it('that do not exist are reported with the nearest name, unless the command uses no context', async () => {
    await init('--context staging')
    for (const line of ['whoami --context stagng', 'context use stagng', 'context show --context stagng']) {
      expect(await tool(line)).toEqual({
        code: 4,
        stdout: '',
        stderr: expect.stringMatching(/There is no context "stagng" in .*\nDid you mean staging\?/),
      })
    }
    expect(await tool('whoami', { env: { AUTH4AGENT_CONTEXT: 'other' } })).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('`auth4agent init --context other '),
    })
    expect(await tool('version', { env: { AUTH4AGENT_CONTEXT: 'other' } })).toMatchObject({ code: 0 })
  })

  it.each(['..', '.', '../x', 'a/b', 'a\\b', '/etc', 'a.b', 'A', '-a', 'ä', 'x'.repeat(64), 'a b'])(
    'cannot have the name %j',
    async (name) => {
      const stderr = expect.stringContaining('is not a valid name of a context')
      const env = { AUTH4AGENT_CONTEXT: name }
      expect(await runCli(['whoami', `--context=${name}`], { home })).toMatchObject({ code: 2, stderr })
      expect(await runCli(['init', '--domain', 'example.com'], { home, env })).toMatchObject({ code: 2, stderr })
      expect(await runCli(['context', 'use', '--', name], { home })).toMatchObject({ code: 2, stderr })
    },
  )

  it('may be links to folders, but not files', async () => {
    await mkdir(join(root, 'contexts'), { recursive: true })
    await mkdir(join(home, 'elsewhere'))
    await symlink(join(home, 'elsewhere'), join(root, 'contexts/linked'))
    await writeFile(join(root, 'contexts/file'), '')
    expect((await tool('context list --quiet')).stdout).toBe('default\nlinked\n')
    expect(await tool('whoami --context file')).toMatchObject({ code: 4 })
  })

  it('cannot be chosen together with --config', async () => {
    expect(await tool('whoami --config x --context y')).toMatchObject({ code: 2 })
    expect(await tool('context list --config x')).toMatchObject({ code: 2 })
  })

  it('can be chosen with context use even if context.json is invalid', async () => {
    await init('')
    await writeFile(join(root, 'context.json'), '{"current":"../x"}')
    expect(await tool('whoami')).toMatchObject({ code: 4, stderr: expect.stringContaining('context use') })
    expect(await tool('context use default')).toMatchObject({ code: 0 })
    expect(await tool('whoami')).toMatchObject({ code: 0 })
    expect(await readFile(join(root, 'context.json'), 'utf8')).toBe('{"current":"default"}\n')
  })

  it('are chosen with a note by context use if AUTH4AGENT_CONTEXT takes precedence', async () => {
    await init('--context staging')
    const env = { AUTH4AGENT_CONTEXT: 'default' }
    expect(await tool('context use staging', { env })).toMatchObject({
      stderr: 'AUTH4AGENT_CONTEXT is set and takes precedence over this choice\n',
    })
  })
})

describe('the folder of the tool', () => {
  it('is set by AUTH4AGENT_HOME and by the older AUTH4AGENTS_HOME', async () => {
    const did = (await init('')).stdout.trim()
    const moved = join(home, 'moved')
    await rename(root, moved)
    for (const name of ['AUTH4AGENT_HOME', 'AUTH4AGENTS_HOME']) {
      expect(await tool('whoami --quiet', { env: { [name]: moved } })).toEqual({
        code: 0,
        stdout: `${did}\n`,
        stderr: '',
      })
    }
  })

  it('is AUTH4AGENT_HOME if both variables are set, with a note if they differ', async () => {
    await init('')
    const env = { AUTH4AGENT_HOME: root, AUTH4AGENTS_HOME: '/nonexistent' }
    expect(await tool('whoami', { env })).toMatchObject({
      code: 0,
      stderr: 'AUTH4AGENT_HOME and AUTH4AGENTS_HOME differ; AUTH4AGENT_HOME is used\n',
    })
    expect(await tool('whoami --quiet', { env })).toMatchObject({ code: 0, stderr: '' })
    expect(await tool('whoami', { env: { ...env, AUTH4AGENTS_HOME: root } })).toMatchObject({ code: 0, stderr: '' })
  })
})
