import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliProcess, startCli } from '../../support/cli-process.ts'
import { isRunning } from '../../support/data-folder.ts'
import { guard } from '../../support/guardian.ts'
import { until } from '../../support/until.ts'
import { blocks } from './tour.ts'

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

let folder: string
let cluster: ChildProcess
let printed = ''

/** Starts the deployments as `npm run cluster -- --deployments 3` does, in an empty folder. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-three-'))
  await mkdir(join(folder, 'node_modules/.bin'), { recursive: true })
  const program = join(folder, 'node_modules/.bin/auth4agent')
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'clients/cli/src/main.ts')}' "$@"\n`)
  await chmod(program, 0o755)
  cluster = spawn(process.execPath, [join(ROOT, 'test/support/run-cluster.ts'), '--deployments', '3'], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  guard(cluster, 'SIGTERM')
  for (const stream of [cluster.stdout, cluster.stderr]) stream?.on('data', (text: Buffer) => (printed += String(text)))
  await until(
    async () => printed,
    (text) => text.includes('Stop with Ctrl-C'),
  )
})
afterAll(async () => {
  cluster?.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

/** Runs commands in one shell and returns the output. Stops at the first failure. */
async function paste(text: string): Promise<string> {
  const PATH = `${join(folder, 'node_modules/.bin')}:${process.env.PATH}`
  const NODE_COMPILE_CACHE = join(ROOT, 'node_modules/.cache/auth4agent-tests')
  const env = { PATH, HOME: folder, NODE_COMPILE_CACHE }
  return (await run('bash', ['-euo', 'pipefail', '-c', text], { cwd: folder, env })).stdout
}

/** Replaces the addresses in the page by those that the command has printed. */
function adapt(text: string): string {
  const real = [...new Set(printed.match(ADDRESS))]
  return USUAL.reduce((told, address, index) => told.replaceAll(address, real[index] ?? ''), text)
}

/** The addresses in the page, in the order in which the command prints them. */
const USUAL = [
  'https://auth.alpha.example.net:8113',
  'http://localhost:8110',
  'https://auth.beta.example.net:8123',
  'http://localhost:8120',
  'https://id.gamma.example.org:8133',
  'http://localhost:8130',
]
const ADDRESS = /https:\/\/[\w.]+\.example\.\w+:\d+|http:\/\/localhost:\d+/g

const demo = (...flags: readonly string[]): CliProcess =>
  startCli(['demo', '--federation', '--deployments', join(folder, 'data/federation'), ...flags])

describe('npm run cluster -- --deployments 3', () => {
  it('prints commands that work when pasted', async () => {
    const commands = printed.split('\n').filter((line) => line.startsWith('npx auth4agent'))
    const [story, acme, bolt, ...others] = commands.map((line) => line.replace('npx ', ''))
    expect(story).toBe('auth4agent demo --federation')
    const output = await paste([acme, `${bolt} || true`, ...others].join('\n'))
    expect(output).toMatch(/^allowed: yes$[^]*^allowed: no$[^]*^token issued$[^]*^valid: true$[^]*^ISSUER /m)
    expect(await readdir(join(folder, 'data/federation'))).toContain('trust.svg')
  })

  it('refuses a second run over the same folder', async () => {
    const second = run(process.execPath, [join(ROOT, 'test/support/run-cluster.ts'), '--deployments', '3'], {
      cwd: folder,
    })
    await expect(second).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('is using the data folder') })
  })

  it('refuses other arguments', async () => {
    const wrong = run(process.execPath, [join(ROOT, 'test/support/run-cluster.ts'), '--deployments', '4'])
    await expect(wrong).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('Usage: npm run cluster') })
  })
})

/** Returns the edges that everybody sees at each deployment, without their ids. */
async function publicEdges(): Promise<readonly string[]> {
  const places = ['8110', '8120', '8130'].map((port) => adapt(`http://localhost:${port}`))
  const graphs = await Promise.all(
    places.map(async (place) => {
      const answer = await fetch(`${place}/v1/trust/graph`)
      const { document } = (await answer.json()) as { document: string }
      const { edges } = JSON.parse(document) as { edges: { kind: string; from: string; to: string }[] }
      return edges.map(({ kind, from, to }) => `${place} ${from} ${kind} ${to}`)
    }),
  )
  const all = graphs.flat().toSorted()
  expect(all.length).toBeGreaterThan(places.length)
  return all
}

describe('demo --federation', () => {
  it('tells the story in lines that fit a terminal, with a command for each thing that is missing', async () => {
    const before = await publicEdges()
    const { code, stdout, stderr } = await endOf(demo())
    expect(code).toBe(0)
    expect(await publicEdges()).toEqual(before)
    expect(stderr).toContain('At B, all tokens of A from before the demo have ended')
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    const awaited = [
      'B says: valid. At this API, orders:read counts as read.',
      'cargo.example.com accepts-members-of guild.example.org',
      'guild.example.org member acme.example.com',
      'B hears of revocations at A and C within 5 seconds',
      "POST B     for the grant: B's own token",
      'B says: TRUST_NOT_FOUND',
      'missing: cargo.example.com lets-call bolt.example.com (absent)',
      'guild.example.org can mend it:',
      '--kind member',
      'lets-call never chains',
      'Signed: B says valid',
      'acme at hall, C:     TRUST_NOT_FOUND, when the call returns',
      'acme at dock:        ISSUER_DISABLED',
      'An agent of cargo:   valid',
      'ISSUER_DISABLED with the token from before',
      'acme at cargo, B:    valid, ',
    ]
    expect(awaited.filter((line) => !stdout.includes(line))).toEqual([])
    expect(stdout).not.toMatch(/eyJ/)
  })

  it('can be repeated, and gives programs one fact a line', async () => {
    const { code, stdout } = await endOf(demo('--json'))
    expect(code).toBe(0)
    const steps = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const missing = { kind: 'lets-call', from: 'cargo.example.com', to: 'bolt.example.com', state: 'absent' }
    expect(steps).toMatchObject([
      { step: 'deployments-shown' },
      { step: 'statements-shown', statements: { length: 6 } },
      { step: 'token-accepted', valid: true, effective_scope: 'read' },
      { step: 'yes-explained', allowed: true },
      { step: 'called-abroad', status: 200, scope: 'read' },
      { step: 'stranger-refused', missing, cures: [{ who: 'cargo.example.com' }, { who: 'guild.example.org' }] },
      { step: 'chain-refused', missing: { from: 'dock.example.com', state: 'revoked' } },
      { step: 'cure-signed', signed: 'valid' },
      { step: 'scope-refused', allowed: false },
      { step: 'membership-ended', at_dock: 'valid', heard_after_ms: expect.any(Number) },
      { step: 'issuer-disabled', foreign: 'ISSUER_DISABLED', by_fetch: 'GRANT_NOT_ACCEPTED', own: 'valid' },
      { step: 'issuer-enabled', old: 'ISSUER_DISABLED', fresh: 'valid' },
      { step: 'membership-back', at_cargo: 'valid' },
      { step: 'as-before', remains: { length: 3 } },
    ])
  })

  it('brings everything back when it is interrupted, so that the commands of the page work when pasted in order', async () => {
    const interrupted = demo('--json')
    while (!(await interrupted.line()).includes('membership-ended'));
    expect(await interrupted.stop()).toBe(130)
    const commands = adapt((await blocks('docs/federation.md', 'sh tour')).join('\n'))
    const output = await paste(commands)
    expect(output).toMatch(
      /^13\. guild names acme again[^]*^allowed: yes$[^]*^allowed: no$[^]*^refused, and it says who/m,
    )
    expect(output).toMatch(
      /^token issued$[^]*^valid: true$[^]*^valid: false$\nreason: ISSUER_DISABLED[^]*^refused, as/m,
    )
    expect(output).toMatch(/^refused: it is from before$[^]*^FROM +KIND +TO +NOTE\n[^]*^\S+ +speaks-for +\S+$/m)
  })

  it('names the command that starts the deployments if there are none', async () => {
    const { code, stderr } = await endOf(startCli(['demo', '--federation', '--deployments', folder]))
    expect(code).toBe(4)
    expect(stderr).toContain('npm run cluster -- --deployments 3')
  })

  it.each([['--keep'], ['--delegation'], ['--server', 'http://localhost:1']])('refuses %s', async (...flags) => {
    const { code, stderr } = await endOf(demo(...flags))
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(`${flags[0]} cannot be used`) })
  })
})

it('Ctrl-C stops the deployments, and removes their data and keys', async () => {
  const pids = [...printed.matchAll(/ pid (\d+)/g)].map(([, pid]) => Number(pid))
  const exited = once(cluster, 'exit')
  cluster.kill('SIGINT')
  expect(await exited).toEqual([0, null])
  expect(await Promise.all(pids.map(isRunning))).toEqual([false, false, false])
  expect(await readdir(join(folder, 'data'))).toEqual([])
  const { code, stderr } = await endOf(demo())
  expect({ code, stderr }).toMatchObject({ code: 4, stderr: expect.stringContaining('--deployments 3') })
})

async function endOf(tool: CliProcess) {
  return { code: await tool.ended, ...tool.output() }
}
