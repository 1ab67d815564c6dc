import { describe, expect, it } from 'vitest'
import { runCli } from '../../../test/support/cli.ts'
import manifest from '../package.json' with { type: 'json' }
import { commands, nouns } from './commands.ts'
import { VERSION } from './version.ts'

const THERE = ['--server', 'http://localhost:1234']
const TOKEN = `eyJ${'a'.repeat(300)}`
/** Tells whether the tool writes escape sequences. */
async function isColoured(args: string[], options = {}) {
  return (await runCli(args, options)).stdout.includes('\u001b[')
}

const answering = (status: number, body: unknown) => () => Promise.resolve(Response.json(body, { status }))

describe('the command line', () => {
  it('without a command shows all nouns and exits with 2', async () => {
    const { code, stdout, stderr } = await runCli([])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('auth4agent NOUN VERB')
  })

  it('prints the version of the package with --version', async () => {
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' })
    expect(await runCli(['--version', '--json'])).toMatchObject({ stdout: `{"version":"${VERSION}"}\n` })
    expect(VERSION).toBe(manifest.version)
  })

  it.each([
    [['sever'], 'Did you mean `auth4agent server`?'],
    [['op'], 'Did you mean `auth4agent operator`?'],
    [['server', 'stauts'], 'Did you mean `auth4agent server status`?'],
    [['server', 'x'], '`auth4agent server --help` shows all commands.'],
    [['audit', 'shwo'], 'Did you mean `auth4agent audit show`?'],
    [['introspec'], '`auth4agent --help` shows all commands.'],
    [['exchange'], '`auth4agent --help` shows all commands.'],
    [['reinstate'], 'Did you mean `auth4agent operator reinstate`?'],
    [['hlep'], 'Did you mean `auth4agent help`?'],
    [['server', 'status', '--sever', 'x'], 'Did you mean --server?'],
    [['server', 'status', '--jsno'], 'Did you mean --json?'],
    [['server', 'status', '-x'], 'Unknown flag "-x"'],
    [['server', 'status', '--server'], '--server needs a value'],
    [['server', 'status', '--server', '--quiet'], '--server needs a value'],
    [['server', 'status', '--server='], '--server needs a value'],
    [['server', 'status', '--json=yes'], '--json takes no value'],
    [['server', 'status', '--server', 'a', '--server', 'b'], '--server may be given only once'],
    [['server', 'status', 'now'], 'Unexpected argument "now"'],
    [['server', 'status', '--', '--json'], 'Unexpected argument "--json"'],
    [['--frob', 'server'], 'Unknown flag "--frob"'],
    [['help', 'nothing'], 'Unknown command "nothing"'],
    [['signing-key', 'import', '-', '--key', '-'], 'Standard input (-) is named twice'],
    [['operator', 'status', '--operator-id', 'x'], '--operator-id must be a UUID'],
  ])('refuses %j with exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await runCli(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  it.each([
    [['server', 'status', TOKEN]],
    [['server', 'status', `--${TOKEN}`]],
    [['server', 'status', `--tokne=${TOKEN}`]],
    [[TOKEN]],
    [['server', 'status', '--json=x', `--server=${TOKEN}`]],
    [['server', 'status', '--server', TOKEN]],
  ])('does not print a word that may be a secret (%#)', async (args) => {
    const { code, stdout, stderr } = await runCli(args)
    expect(code).toBe(2)
    expect(stdout + stderr).not.toContain('aaaaaaaa')
  })

  it('accepts global flags before, between and after the words of a command', async () => {
    for (const args of [
      ['--json', 'server', 'status', ...THERE],
      ['server', 'status', ...THERE, '--json'],
      ['--config', '/x', '--json', 'server', 'status', ...THERE],
      ['--config=/x', 'server', 'status', ...THERE, '--json'],
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
    expect(await runCli(['token', 'verify', '--token', given])).toEqual({
      code: 4,
      stdout: '',
      stderr: expect.stringContaining(message),
    })
  })

  it('are one JSON document on standard output with --json, and text on standard error without', async () => {
    const args = ['server', 'status', '--server', 'http://localhost:1234']
    const plain = await runCli(args)
    expect(plain).toMatchObject({ code: 3, stdout: '' })
    expect(plain.stderr).toMatch(
      /^error: http:\/\/localhost:1234 cannot be reached.*\(NETWORK_ERROR\)\nCheck that the server runs/,
    )
    const { code, stdout, stderr } = await runCli([...args, '--json'])
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({
      error: { reason: 'NETWORK_ERROR', message: expect.any(String), hint: expect.stringContaining('context set') },
    })
  })

  it("exit with 1 if the server refuses, with the server's reason", async () => {
    const problem = { reason: 'PERMISSION_DENIED', title: 'Not yours', status: 403 }
    const { code, stdout } = await runCli(['server', 'status', ...THERE, '--json'], { fetch: answering(403, problem) })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ error: { reason: 'PERMISSION_DENIED', message: 'Not yours' } })
  })

  it.each([
    ['the server', 429, '{"reason":"RATE_LIMITED"}'],
    ['the server', 504, '{"reason":"DEADLINE_EXCEEDED"}'],
    ['a proxy in front of it', 502, '<html>'],
  ])('exit with 3, not with 1 as for an invalid token, if %s answers %i', async (_who, status, body) => {
    const fetch = () => Promise.resolve(new Response(body, { status }))
    const { code } = await runCli(['token', 'verify', '--token', TOKEN, '--online', ...THERE], { fetch })
    expect(code).toBe(3)
  })

  it.each([
    ['interrupted', 130],
    ['terminated', 143],
  ])('print nothing when %s', async (reason, code) => {
    const signal = AbortSignal.abort(reason)
    expect(await runCli(['server', 'status'], { signal })).toEqual({ code, stdout: '', stderr: '' })
  })
})

describe('Ctrl-C', () => {
  it.each([
    [['server', 'status']],
    [['scope', 'list', '--did', 'did:agent:example.com:21fe31dfa154a261626bf854046fd227']],
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
    [['help'], 'auth4agent NOUN VERB'],
    [['--help'], 'auth4agent NOUN VERB'],
    [['-h'], 'auth4agent NOUN VERB'],
    [['help', 'tour'], 'From nothing to a token'],
    [['help', 'flags'], '--operator-id ID'],
    [['help', 'server', 'status'], 'auth4agent server status --server'],
    [['help', 'health'], 'auth4agent server status --server'],
    [['audit', '--help'], 'audit show'],
    [['operator', 'keys', '--help'], 'operator-key add'],
    [['server', 'status', '-h'], 'auth4agent server status --server'],
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
    ['an error', ['sever'], 'stderr', true],
    ['an error with --no-color', ['sever', '--no-color'], 'stderr', false],
    ['an error', ['sever'], 'stdout', false],
    ['no command', [], 'stderr', true],
    ['no command', [], 'stdout', false],
  ] as const)(
    'uses colours for %s, %j, only if standard error is the terminal (terminal: %s)',
    async (_name, args, isTerminal, isColoured) => {
      expect((await runCli(args, { isTerminal })).stderr.includes('\u001b[')).toBe(isColoured)
    },
  )

  it('of the tool fits on a screen of 44 lines with 80 columns', async () => {
    const lines = (await runCli(['--help'])).stdout.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(44)
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80)
  })

  it.each(nouns.map(({ noun }) => noun))('of the noun %s fits on a screen and lists all its verbs', async (noun) => {
    const { stdout } = await runCli([noun, '--help'])
    const lines = stdout.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(40)
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80)
    const verbs = commands.filter(({ words }) => words.startsWith(`${noun} `))
    for (const { words } of verbs) expect(lines.some((line) => line.startsWith(`  ${words} `))).toBe(true)
    expect((await runCli(['--help'])).stdout).toMatch(new RegExp(`^  ${noun} `, 'm'))
  })

  it('names the flags that the context supplies without explaining them', async () => {
    const { stdout } = await runCli(['agent', 'list', '--help'])
    expect(stdout).toMatch(/^  --server, --issuer, --operator-id, --key$/m)
    expect(stdout).not.toContain('--server URL')
    expect(stdout).toContain('--status STATUS')
  })

  it('explains such a flag where a command gives it a meaning of its own', async () => {
    const { stdout } = await runCli(['context', 'set', '--help'])
    expect(stdout).toContain('--server URL')
  })

  it.each(commands.map(({ words }) => words))('exists for %s', async (words) => {
    const { code, stdout } = await runCli([...words.split(' '), '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('Examples')
  })
})
