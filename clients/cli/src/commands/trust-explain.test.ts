import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'
import { newKeys } from '../../../../test/support/parties.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const pem = String(newKeys().privateKey.export({ format: 'pem', type: 'pkcs8' }))
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trust-'))
})
afterAll(() => rm(folder, { recursive: true }))

const identity = {
  leg: 'identity',
  ok: true,
  path: [{ kind: 'speaks-for', edge_id: 'e', from: 'bolt.com', to: 'https://alpha.net', proof: 'p' }],
  max_staleness_ms: 0,
}
const freshness = { leg: 'freshness', ok: true, path: [], max_staleness_ms: 5_000, as_of: '2027-01-15T08:00:00Z' }
const lets = { kind: 'lets-call', from: 'cargo.io', to: 'bolt.com', expires_at: '2027-04-15T08:00:00Z' }
const yes = {
  allowed: true,
  position: '3-8812',
  legs: [identity, { leg: 'permission', ok: true, path: [lets, { kind: 'member', from: '', to: '' }] }, freshness],
  effective_scopes: ['read'],
}
const no = {
  allowed: false,
  position: '3-8812',
  legs: [
    identity,
    {
      leg: 'permission',
      ok: false,
      missing: { kind: 'lets-call', from: 'cargo.io', to: 'bolt.com', state: 'absent' },
      cures: [{ who: 'cargo.io', signatures: 1, command: 'auth4agent trust offer \u001b[2JID' }],
    },
    freshness,
  ],
}

/** Runs a command of `trust` against a server with this answer. */
async function run(args: readonly string[], answer: unknown, flags: readonly string[] = ['--operator-id', ID]) {
  const sent: { readonly call: string; readonly body: string }[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    sent.push({ call: `${request.method} ${new URL(request.url).pathname}`, body: await request.text() })
    return Response.json(answer)
  }
  const where = ['--server', 'http://localhost:1234', ...flags]
  return { ...(await runCli(['trust', ...args, ...where], { home: folder, fetch, readStdin: async () => pem })), sent }
}

const OPERATOR = ['--operator-id', ID, '--key', '-']
const QUESTION = [
  'explain',
  '--from',
  'bolt.com',
  '--to',
  'https://api.cargo.io',
  '--scope',
  'orders:read,orders:write',
]

describe('trust explain', () => {
  it('prints the path of a yes, and exits with 0', async () => {
    const { code, stdout, sent } = await run(QUESTION, yes, OPERATOR)
    expect(code).toBe(0)
    expect(stdout).toBe(`allowed: yes
scopes at the audience: read
position: 3-8812

identity: ok
  bolt.com speaks-for https://alpha.net

permission: ok
  cargo.io lets-call bolt.com, until 2027-04-15T08:00:00Z
  member, a statement between two others

freshness: ok, at most 5 s old, known as of 2027-01-15T08:00:00Z
`)
    const body = { from: 'bolt.com', to: 'https://api.cargo.io', scope: 'orders:read orders:write' }
    expect(sent).toEqual([{ call: 'POST /v1/trust/explain', body: JSON.stringify(body) }])
  })

  it('prints what is missing, who can mend it and how, and exits with 1', async () => {
    const { code, stdout } = await run(QUESTION, no, OPERATOR)
    expect(code).toBe(1)
    expect(stdout).toContain(`permission: no
  missing: cargo.io lets-call bolt.com (absent)
  cargo.io can mend it:
    auth4agent trust offer ?[2JID
`)
  })

  it('prints the answer with --json, and one word with --quiet', async () => {
    expect(JSON.parse((await run([...QUESTION, '--json'], no, OPERATOR)).stdout)).toMatchObject({ allowed: false })
    expect((await run([...QUESTION, '--quiet'], no, OPERATOR)).stdout).toBe('absent\n')
    expect((await run([...QUESTION, '--quiet'], yes, OPERATOR)).stdout).toBe('allowed\n')
  })

  it('asks as the administrator with --admin, with the key of --key or of the context', async () => {
    expect((await run([...QUESTION, '--admin'], yes, ['--key', '-'])).code).toBe(0)
    const { code, stderr } = await run([...QUESTION, '--admin'], yes, [])
    expect([code, stderr]).toEqual([4, expect.stringContaining('No administrator key is configured')])
  })

  it.each([
    ['--from', ['explain', '--to', 'https://api.cargo.io']],
    ['--to', ['explain', '--from', 'bolt.com']],
  ])('needs %s', async (flag, args) => {
    const { code, stderr, sent } = await run(args, yes, OPERATOR)
    expect([code, stderr, sent]).toEqual([2, expect.stringContaining(flag), []])
  })
})

/** An answer with these admissions. */
const listed = (...admissions: readonly object[]) => ({
  admissions,
  issuers: [],
  bound_only: true,
  position: '3-8812',
  as_of: '2027-01-15T08:00:00.000Z',
  max_age: 1_800,
})

describe('trust list-admissions', () => {
  const admission = {
    issuer: 'https://alpha.net',
    domain: 'bolt.com\u001b[2J',
    operator_id: ID,
    scopes: [{ scope: 'read', values: ['orders:read', 'orders:list'] }],
    edge_ids: ['e1', 'e2'],
    authors: [{ edge_id: 'e2', operator_id: ID, epoch: 1 }],
    expires_at: '2027-04-15T08:00:00Z',
  }
  const ARGS = ['list-admissions', '--audience', 'https://api.cargo.io']

  it('prints who may call, with the map of scopes', async () => {
    const { code, stdout, sent } = await run(ARGS, listed(admission), OPERATOR)
    expect([code, stdout]).toEqual([
      0,
      `Only tokens that are bound to a key are accepted

DOMAIN        ISSUER             SCOPES                        UNTIL
bolt.com?[2J  https://alpha.net  read=orders:read+orders:list  2027-04-15T08:00:00Z
`,
    ])
    expect(sent).toEqual([{ call: 'GET /v1/trust/admissions', body: '' }])
  })

  it('says that nobody may call, and prints the answer with --json', async () => {
    expect((await run(ARGS, listed(), OPERATOR)).stdout).toContain('no operator of another deployment')
    expect(JSON.parse((await run([...ARGS, '--json'], listed(admission), OPERATOR)).stdout)).toEqual(listed(admission))
  })

  it('needs --audience', async () => {
    const { code, stderr, sent } = await run(['list-admissions'], listed(), OPERATOR)
    expect([code, stderr, sent]).toEqual([2, expect.stringContaining('--audience'), []])
  })
})

const asJson = (document: unknown) => ({
  document: `${JSON.stringify(document, undefined, 2)}\n`,
  media_type: 'application/json',
  nodes: 4,
  edges: 4,
})

describe('trust show-graph', () => {
  const answer = { document: '<svg>\n\u001b[2J</svg>\n', media_type: 'image/svg+xml', nodes: 2, edges: 1 }

  const graph = {
    title: 'Trust',
    nodes: [
      { id: 'n1', label: 'cargo.io', type: 'operator' },
      { id: 'n2', label: 'bolt.com', type: 'operator' },
      { id: 'n3', label: 'bolt.com', type: 'operator' },
      { id: 'n4', label: 'guild\u001b[2J.org', type: 'group' },
    ],
    edges: [
      { id: 'e1', kind: 'lets-call', from: 'n1', to: 'n3', note: 'until 2027' },
      { id: 'e2', kind: 'member', from: 'n4', to: 'n2' },
      { id: 'e3', kind: 'accepts-members-of', from: 'n1', to: 'n4' },
      { id: 'e4', kind: 'lets-call', from: 'n1', to: 'n2', note: 'until 2028' },
    ],
  }
  it('lists the edges in order, one a line, and tells nodes with one label apart', async () => {
    expect(await run(['show-graph'], asJson(graph), OPERATOR)).toMatchObject({
      code: 0,
      stdout: [
        'FROM           KIND                TO             NOTE',
        'cargo.io       accepts-members-of  guild?[2J.org',
        'cargo.io       lets-call           bolt.com (n2)  until 2028',
        'cargo.io       lets-call           bolt.com (n3)  until 2027',
        'guild?[2J.org  member              bolt.com (n2)',
        '',
      ].join('\n'),
      sent: [{ call: 'GET /v1/trust/graph', body: '' }],
    })
    const { stdout } = await run(['show-graph', '--quiet'], asJson(graph), OPERATOR)
    expect(stdout.split('\n')[0]).toMatch(/^cargo\.io +accepts-members-of +guild/)
    expect(JSON.parse((await run(['show-graph', '--json'], asJson(graph), OPERATOR)).stdout)).toEqual(asJson(graph))
  })

  it('says that there are no edges', async () => {
    const { stdout } = await run(['show-graph'], asJson({ ...graph, edges: [] }), OPERATOR)
    expect(stdout).toBe('no edges\n')
  })

  it('prints the JSON of the graph only with --format json', async () => {
    const { stdout } = await run(['show-graph', '--format', 'json'], asJson(graph), OPERATOR)
    expect(JSON.parse(stdout.replaceAll('?', ''))).toMatchObject({ title: 'Trust', edges: graph.edges })
  })

  it.each<[string, unknown]>([
    ['no JSON', 'x'],
    ['no object', []],
    ['no edges', { nodes: [] }],
    ['an edge without a kind', { nodes: [], edges: [{ id: 'e', from: 'n1', to: 'n2' }] }],
  ])('refuses a graph that is %s', async (_name, document) => {
    const answer = document === 'x' ? { ...asJson({}), document } : asJson(document)
    expect(await run(['show-graph'], answer, OPERATOR)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('a graph that this tool cannot read'),
    })
  })

  it('prints the document without control characters', async () => {
    expect(await run(['show-graph', '--format', 'svg'], answer, OPERATOR)).toMatchObject({
      code: 0,
      stdout: '<svg>\n?[2J</svg>\n',
      sent: [{ call: 'GET /v1/trust/graph', body: '' }],
    })
  })

  it('prints how many nodes it has with --json', async () => {
    expect(JSON.parse((await run(['show-graph', '--json'], answer, OPERATOR)).stdout)).toEqual(answer)
  })

  it('prints only the address of the page with --link', async () => {
    const link = { url: 'https://auth.example/trust?view=a.b.c', expires_at: '2027-01-15T08:05:00Z' }
    expect(await run(['show-graph', '--link', '--around', 'bolt.com'], link, OPERATOR)).toMatchObject({
      code: 0,
      stdout: `${link.url}\n`,
      sent: [{ call: 'POST /v1/trust/views', body: '{"around":"bolt.com"}' }],
    })
    expect(JSON.parse((await run(['show-graph', '--link', '--json'], link, OPERATOR)).stdout)).toEqual(link)
  })

  it('refuses --link with a format', async () => {
    expect(await run(['show-graph', '--link', '--format', 'svg'], answer, OPERATOR)).toMatchObject({
      code: 2,
      sent: [],
    })
  })

  it('refuses a format that no server has', async () => {
    expect(await run(['show-graph', '--format', 'png'], answer, OPERATOR)).toMatchObject({ code: 2, sent: [] })
  })
})
