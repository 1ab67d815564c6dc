import { describe, expect, it } from 'vitest'
import { runCli } from '../../../test/support/cli.ts'
import manifest from '../package.json' with { type: 'json' }
import { commands } from './commands.ts'
import { VERSION } from './version.ts'

const THERE = ['--server', 'http://localhost:1234']
const TOKEN = `eyJ${'a'.repeat(300)}`
/** Tells whether the tool writes escape sequences. */
async function isColoured(args: string[], options = {}) {
  return (await runCli(args, options)).stdout.includes('\u001b[')
}

const answering = (status: number, body: unknown) => () => Promise.resolve(Response.json(body, { status }))

describe('the command line', () => {
  it('without a command shows the tour and exits with 2', async () => {
    const { code, stdout, stderr } = await runCli([])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('From nothing to a token')
  })

  it('prints the version of the package with --version', async () => {
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' })
    expect(await runCli(['--version', '--json'])).toMatchObject({ stdout: `{"version":"${VERSION}"}\n` })
    expect(VERSION).toBe(manifest.version)
  })

  it.each([
    [['helth'], 'Did you mean `auth4agent health`?'],
    [['hea'], 'Did you mean `auth4agent health`?'],
    [['hlep'], 'Did you mean `auth4agent help`?'],
    [['health', '--sever', 'x'], 'Did you mean --server?'],
    [['health', '--jsno'], 'Did you mean --json?'],
    [['health', '-x'], 'Unknown flag "-x"'],
    [['health', '--server'], '--server needs a value'],
    [['health', '--server', '--quiet'], '--server needs a value'],
    [['health', '--server='], '--server needs a value'],
    [['health', '--json=yes'], '--json takes no value'],
    [['health', '--server', 'a', '--server', 'b'], '--server may be given only once'],
    [['health', 'now'], 'Unexpected argument "now"'],
    [['health', '--', '--json'], 'Unexpected argument "--json"'],
    [['--frob', 'health'], 'Unknown flag "--frob"'],
    [['help', 'nothing'], 'Unknown command "nothing"'],
    [['keys', 'import', '-', '--key', '-'], 'Standard input (-) is named twice'],
    [['verify-operator', 'status', '--operator-id', 'x'], '--operator-id must be a UUID'],
  ])('refuses %j with exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await runCli(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  it.each([
    [['health', TOKEN]],
    [['health', `--${TOKEN}`]],
    [['health', `--tokne=${TOKEN}`]],
    [[TOKEN]],
    [['health', '--json=x', `--server=${TOKEN}`]],
    [['health', '--server', TOKEN]],
  ])('does not print a word that may be a secret (%#)', async (args) => {
    const { code, stdout, stderr } = await runCli(args)
    expect(code).toBe(2)
    expect(stdout + stderr).not.toContain('aaaaaaaa')
  })

  it('accepts global flags before, between and after the words of a command', async () => {
    for (const args of [
      ['--json', 'health', ...THERE],
      ['health', ...THERE, '--json'],
      ['--config', '/x', '--json', 'health', ...THERE],
      ['--config=/x', 'health', ...THERE, '--json'],
    ]) {
      const { code, stdout } = await runCli(args, { fetch: answering(200, { status: 'ok' }) })
      expect({ code, stdout }).toEqual({ code: 0, stdout: '{"status":"ok"}\n' })
    }
  })
})

describe('failures', () => {
  it.each([
    ['@/nowhere/token.txt', '"/nowhere/token.txt" cannot be read'],
    [`@${TOKEN}`, '(not shown: it may be a secret) cannot be read'],
  ])('name the missing file of a token, unless the name may be a secret (%#)', async (given, message) => {
    expect(await runCli(['verify', '--token', given])).toEqual({
      code: 4,
      stdout: '',
      stderr: expect.stringContaining(message),
    })
  })

  it('are one JSON document on standard output with --json, and text on standard error without', async () => {
    const args = ['health', '--server', 'http://localhost:1234']
    const plain = await runCli(args)
    expect(plain).toMatchObject({ code: 3, stdout: '' })
    expect(plain.stderr).toMatch(
      /^error: http:\/\/localhost:1234 cannot be reached.*\(NETWORK_ERROR\)\nCheck that the server runs/,
    )
    const { code, stdout, stderr } = await runCli([...args, '--json'])
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({
      error: { reason: 'NETWORK_ERROR', message: expect.any(String), hint: expect.stringContaining('set-server') },
    })
  })

  it("exit with 1 if the server refuses, with the server's reason", async () => {
    const problem = { reason: 'PERMISSION_DENIED', title: 'Not yours', status: 403 }
    const { code, stdout } = await runCli(['health', ...THERE, '--json'], { fetch: answering(403, problem) })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ error: { reason: 'PERMISSION_DENIED', message: 'Not yours' } })
  })

  it.each([
    ['the server', 429, '{"reason":"RATE_LIMITED"}'],
    ['the server', 504, '{"reason":"DEADLINE_EXCEEDED"}'],
    ['a proxy in front of it', 502, '<html>'],
  ])('exit with 3, not with 1 as for an invalid token, if %s answers %i', async (_who, status, body) => {
    const fetch = () => Promise.resolve(new Response(body, { status }))
    const { code } = await runCli(['verify', '--token', TOKEN, '--online', ...THERE], { fetch })
    expect(code).toBe(3)
  })

  it.each([
    ['interrupted', 130],
    ['terminated', 143],
  ])('print nothing when %s', async (reason, code) => {
    const signal = AbortSignal.abort(reason)
    expect(await runCli(['health'], { signal })).toEqual({ code, stdout: '', stderr: '' })
  })
})

describe('Ctrl-C', () => {
  it.each([
    [['health']],
    [['agent-scopes', 'list', '--did', 'did:agent:example.com:21fe31dfa154a261626bf854046fd227']],
    [['doctor']],
  ])(
    'aborts the request of %j, and the tool exits with 130',
    async (args) => {
      const controller = new AbortController()
      const fetch: typeof globalThis.fetch = (_input, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => reject(new Error('aborted')))
          controller.abort('interrupted')
        })
      const ran = await runCli([...args, ...THERE], { fetch, signal: controller.signal })
      expect(ran).toEqual({ code: 130, stdout: '', stderr: '' })
      // The time limit of this test is shorter than the tool's own timeout.
    },
    3000,
  )
})

describe('help', () => {
  it.each([
    [['help'], 'From nothing to a token'],
    [['--help'], 'From nothing to a token'],
    [['-h'], 'From nothing to a token'],
    [['help', 'health'], 'auth4agent health --server'],
    [['health', '-h'], 'auth4agent health --server'],
    [['help', 'exit-codes'], '130   Ctrl-C'],
  ])('is printed by %j', async (args, text) => {
    const { code, stdout, stderr } = await runCli(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(text)
  })

  it('has colours only on a terminal, and none with NO_COLOR, TERM=dumb, --no-color or --json', async () => {
    expect(await isColoured(['help'], { isTerminal: true })).toBe(true)
    expect(await isColoured(['help'])).toBe(false)
    expect(await isColoured(['help'], { isTerminal: true, env: { NO_COLOR: '1' } })).toBe(false)
    expect(await isColoured(['help'], { isTerminal: true, env: { TERM: 'dumb' } })).toBe(false)
    expect(await isColoured(['help', '--no-color'], { isTerminal: true })).toBe(false)
    expect(await isColoured(['help', '--json'], { isTerminal: true })).toBe(false)
  })

  it.each([
    ['an error', ['helth'], 'stderr', true],
    ['an error with --no-color', ['helth', '--no-color'], 'stderr', false],
    ['an error', ['helth'], 'stdout', false],
    ['no command', [], 'stderr', true],
    ['no command', [], 'stdout', false],
  ] as const)(
    'uses colours for %s, %j, only if standard error is the terminal (terminal: %s)',
    async (_name, args, isTerminal, isColoured) => {
      expect((await runCli(args, { isTerminal })).stderr.includes('\u001b[')).toBe(isColoured)
    },
  )

  it.each(commands.map(({ words }) => words))('exists for %s and for its group', async (words) => {
    const [first = ''] = words.split(' ')
    expect((await runCli([first, '--help'])).stdout).toContain(words)
    const { code, stdout } = await runCli([...words.split(' '), '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('Examples')
  })
})
