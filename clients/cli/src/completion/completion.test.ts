import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'

/** Completes the last word as the shell itself does. Returns the offered words. */
type Complete = (script: string, words: readonly string[]) => readonly string[]

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-completion-'))
  await writeFile(join(folder, 'a file.json'), '')
  await Promise.all(
    ['staging', 'production'].map((name) => mkdir(join(folder, 'home/contexts', name), { recursive: true })),
  )
  const main = join(import.meta.dirname, '../main.ts')
  await mkdir(join(folder, 'bin'))
  await writeFile(join(folder, 'bin/auth4agent'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, {
    mode: 0o755,
  })
})
afterAll(() => rm(folder, { recursive: true }))

function run(shell: string, args: readonly string[], input = ''): readonly string[] {
  const env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, AUTH4AGENT_HOME: join(folder, 'home') }
  const { stdout, stderr, status } = spawnSync(shell, args, { encoding: 'utf8', input, cwd: folder, env })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t')[0] ?? '')
    .toSorted()
}

const quote = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ')

const bash: Complete = (script, words) =>
  run(
    'bash',
    ['--norc', '-s'],
    `${script}
COMP_WORDS=(${quote(words)})
COMP_CWORD=${words.length - 1}
_auth4agent 2>&1
[ "\${#COMPREPLY[@]}" -eq 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"
`,
  )

/** Prints what the completion system of zsh would show. */
const zsh: Complete = (script, words) =>
  run(
    'zsh',
    ['-f', '-s'],
    `compdef() { :; }
_describe() { local list; [ "$1" = -o ] && shift; for list in "\${(@P)2}"; do [[ "\${list%%:*}" == "$PREFIX"* ]] && print -r -- "\${list%%:*}"; done; true; }
_files() { print -rl -- "$PREFIX"*(N); }
_message() { :; }
${script}
words=(${quote(words)})
CURRENT=${words.length}
PREFIX=${quote(words.slice(-1))}
_auth4agent
`,
  )

/** fish also offers words that contain the typed word. This function returns only words that begin with it. */
const fish: Complete = (script, words) =>
  run('fish', ['--no-config'], `${script}\ncomplete -C ${quote([words.join(' ')])}\n`).filter((word) =>
    word.startsWith(words.at(-1) ?? ''),
  )

const isInstalled = (shell: string) => spawnSync(shell, ['--version']).status === 0
const shells = Object.entries({ bash, zsh, fish }).filter(([name]) => name === 'bash' || isInstalled(name))

describe.each(shells)('completion %s', (name, complete) => {
  let script: string
  const offers = (...words: readonly string[]) => complete(script, ['auth4agent', ...words])

  beforeAll(async () => {
    const { code, stdout } = await runCli(['completion', name])
    expect(code).toBe(0)
    script = stdout
  })

  it('offers the first words of commands', () => {
    expect(offers('')).toEqual(expect.arrayContaining(['completion', 'doctor', 'signing-key', 'token']))
    expect(offers('d')).toContain('doctor')
    expect(offers('d')).not.toContain('operator')
  })

  it('offers the second words of a group of commands', () => {
    expect(offers('agent', 'a')).toEqual(['admit', 'approve'])
    expect(offers('agent', 'verify-bundle', '--')).not.toContain('--server')
    expect(offers('agent', 're')).toEqual(['reactivate', 'register', 'release', 'revoke'])
    expect(offers('token', 'issue', '--scope', 'agent', '')).toEqual([])
    expect(offers('signing-key', 'rotate', '--ke')).toEqual(['--key'])
  })

  it('offers no words of earlier versions', () => {
    expect(offers('ver')).toEqual(['version'])
    expect(offers('operator', 'ke')).toEqual([])
    expect(offers('agents', '')).not.toContain('list')
  })

  it('offers the flags of the typed command and the global flags', () => {
    expect(offers('operator', 'proxy', '--re')).toEqual(['--read-only'])
    expect(offers('doctor', '--re')).toEqual(['--resolver'])
    expect(offers('--config', 'doctor', 'agent', 'proxy', '--json', '--pr')).toEqual(['--prefix-file'])
    expect(offers('operator', 'proxy', '--j')).toEqual(['--json'])
  })

  it('offers the choices of an argument', () => {
    expect(offers('completion', '')).toEqual(['bash', 'fish', 'zsh'])
  })

  it('offers the choices of a flag', () => {
    expect(offers('agent', 'list', '--status', '')).toEqual(['active', 'pending', 'revoked', 'suspended'])
    expect(offers('audit', 'list', '--outcome', 'r')).toEqual(['refused'])
    expect(offers('signing-key', 'rotate', '--alg', 'E')).toEqual(['ES256', 'Ed25519', 'EdDSA'].toSorted())
    expect(offers('operator', 'proxy', '--allow', 'suspend')).toEqual(['suspend-agent'])
    expect(offers('agent', 'update', '--bound-challenges', 'r')).toEqual(['required'])
  })

  it('offers the existing contexts', () => {
    expect(offers('context', 'use', '')).toEqual(['default', 'production', 'staging'])
    expect(offers('whoami', '--context', 's')).toEqual(['staging'])
    expect(offers('--context', 'staging', 'operator', 'proxy', '--re')).toEqual(['--read-only'])
  })

  it('offers files for a file argument, and no flags after --', () => {
    expect(offers('signing-key', 'import', 'a')).toEqual(['a file.json'])
    expect(offers('token', 'exec', '--json', '--', '--sc')).toEqual([])
  })

  it('offers files for a file flag, and nothing for a flag with an unknown value', () => {
    expect(offers('operator', 'proxy', '--prefix-file', 'a')).toEqual(['a file.json'])
    expect(offers('operator', 'proxy', '--port', '')).toEqual([])
    expect(offers('operator', 'proxy', '')).toEqual([])
  })
})

it('completion fails for an unknown shell and names the known shells', async () => {
  expect(await runCli(['completion', 'csh'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('bash, zsh or fish'),
  })
})
