import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { updateOperatorConfig } from '@auth4agent/sdk/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verifyTrustStatement } from '../../../../services/trust/statements/domain/verify-statement.ts'
import { runCli } from '../../../../test/support/cli.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const OTHER = 'bbbbbbbb-2222-8222-8222-222222222222'
const JTI = '0190aaaa-0000-7000-8000-000000000001'
const SERVER = 'http://localhost:1234'
const PATH = `/v1/operators/${ID}/trust`
const party = (operator_id: string, domain: string) => ({ operator_id, domain, home: SERVER })
const record = {
  jti: JTI,
  edge_id: JTI,
  kind: 'lets-call',
  signer: party(ID, 'shop.test'),
  subject: party(OTHER, 'acme.test'),
  grants: [],
  aud: [SERVER],
  visibility: 'parties',
  version: 1,
  state: 'active',
  issued_at: 't',
  not_before: 't',
  expires_at: '2027-04-15T08:00:00Z',
  statement: 'a.b.c',
}
const DRAFT = {
  iss: ID,
  home: SERVER,
  domain: 'shop.test',
  sub: OTHER,
  sub_home: SERVER,
  sub_domain: 'acme.test',
  aud: [SERVER],
  kind: 'lets-call',
  grants: [{ audience: 'https://api.shop.test', scopes: { 'orders:read': ['read'] } }],
  visibility: 'parties',
}
const MEANS = `shop.test lets agents of acme.test call https://api.shop.test with orders:read (read here); this counts at ${SERVER}`

let home: string
let sent: { readonly call: string; readonly body: string }[]

/** Runs the tool against a server with one statement and these proposals. */
function run(args: readonly string[], draft: object = DRAFT) {
  const proposal = {
    proposal_id: JTI,
    proposer: party(OTHER, 'acme.test'),
    signer_id: ID,
    draft,
    created_at: 't',
    expires_at: 't',
  }
  const answers: Readonly<Record<string, unknown>> = {
    [`GET /v1/operators/${ID}`]: { id: ID, domain: 'shop.test', status: 'active' },
    [`GET /v1/operators/${OTHER}`]: { id: OTHER, domain: 'acme.test', status: 'active' },
    [`GET ${PATH}`]: { statements: [record], next_page_token: '' },
    [`GET ${PATH}/proposals`]: { proposals: [proposal] },
    [`POST ${PATH}`]: { statement: record },
    [`POST ${PATH}/proposals/${JTI}/dismiss`]: { proposer_id: OTHER, refused_until: '2027-02-14T08:00:00Z' },
    [`POST ${PATH}/${JTI}/revoke`]: { statement: { ...record, state: 'revoked', ended_at: 't' } },
  }
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init)
    const call = `${request.method} ${new URL(request.url).pathname}`
    sent.push({ call, body: await request.text() })
    return Response.json(answers[call] ?? {})
  }
  return runCli(['trust', ...args], { home, fetch })
}

/** Returns the statement that was sent. */
function statementSent() {
  const { body = '{}' } = sent.find(({ call }) => call === `POST ${PATH}`) ?? {}
  const verified = verifyTrustStatement(JSON.parse(body).statement ?? '')
  return verified.ok ? verified.statement : undefined
}

beforeEach(async () => {
  sent = []
  home = await mkdtemp(join(tmpdir(), 'a4a-trust-'))
  await runCli(['init', '--operator', '--domain', 'shop.test', '--server', SERVER], { home })
  await updateOperatorConfig(join(home, '.auth4agents'), { id: ID })
})
afterEach(() => rm(home, { recursive: true }))

const CALL = ['--audience', 'https://api.shop.test', '--map-scope', 'orders:read=read,list', '--map-scope', 'all=write']

describe('trust offer', () => {
  it('signs a statement about an operator of the same server, puts it, and says what it means', async () => {
    const { code, stdout } = await run(['offer', OTHER, ...CALL])
    expect(stdout).toContain(
      'shop.test lets agents of acme.test call https://api.shop.test with orders:read (read list',
    )
    expect(code).toBe(0)
    expect(statementSent()).toMatchObject({
      iss: ID,
      sub: OTHER,
      subDomain: 'acme.test',
      kind: 'lets-call',
      version: 2,
      visibility: 'parties',
      grants: [{ audience: 'https://api.shop.test', scopes: { 'orders:read': ['read', 'list'], all: ['write'] } }],
    })
  })

  it('takes the deployment and the domain of an operator elsewhere from flags', async () => {
    const elsewhere = ['--home', 'https://far.test', '--domain', 'far.example', '--at', 'https://far.test', '--public']
    await run(['offer', OTHER, '--kind', 'member', ...elsewhere])
    expect(statementSent()).toMatchObject({
      subHome: 'https://far.test',
      subDomain: 'far.example',
      aud: ['https://far.test'],
      kind: 'member',
      visibility: 'public',
    })
  })

  it('signs the draft of a file', async () => {
    const file = join(home, 'draft.json')
    await writeFile(file, JSON.stringify({ ...DRAFT, kind: 'accepts-members-of', depth: 2 }))
    expect((await run(['offer', '--file', file])).code).toBe(0)
    expect(statementSent()).toMatchObject({ kind: 'accepts-members-of', depth: 2 })
  })

  it('writes the request for further root keys, which `request approve` describes, and sends nothing', async () => {
    const file = join(home, 'request')
    const { stdout } = await run(['offer', OTHER, ...CALL, '--prepare', file])
    expect(stdout).toContain(`request written to ${file}`)
    expect(statementSent()).toBeUndefined()
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ operator_id: ID, rpc: `POST ${PATH}` })
  })

  it.each([
    [
      'a wildcard audience',
      [OTHER, '--audience', '*', '--map-scope', 'a=b'],
      /grants\[0\]\.audience of the statement must/,
    ],
    [
      'a scope without values',
      [OTHER, '--audience', 'api.shop.test', '--map-scope', 'a'],
      /--map-scope must be SCOPE=VALUES/,
    ],
    ['a domain as operator', ['acme.test', ...CALL], /OPERATOR must be an operator id/],
    ['no operator', CALL, /sub of the statement must be an operator id/],
    ['a file that does not exist', ['--file', '/nowhere'], /There is no file \/nowhere/],
    ['an expiry in the past', [OTHER, ...CALL, '--expires', '2020-01-01T00:00:00Z'], /--expires must be a duration/],
  ])('refuses %s', async (_, args, problem) => {
    const { code, stderr } = await run(['offer', ...args])
    expect(stderr).toMatch(problem)
    expect(code).not.toBe(0)
    expect(statementSent()).toBeUndefined()
  })
})

describe('trust accept', () => {
  it('signs a proposal only with --yes, and else says what it would mean', async () => {
    const asked = await run(['accept', JTI])
    expect(asked.code).toBe(2)
    expect(asked.stderr).toContain(MEANS)
    expect(statementSent()).toBeUndefined()
    const { code, stdout } = await run(['accept', JTI, '--yes', '--expires', '10d'])
    expect(stdout).toContain(MEANS)
    expect(code).toBe(0)
    expect(statementSent()).toMatchObject({ sub: OTHER, version: 2, kind: 'lets-call' })
  })

  it.each([
    ['another signer', { ...DRAFT, iss: OTHER, sub: ID }, 'The proposal is for another operator'],
    ['a wildcard', { ...DRAFT, sub_domain: '*' }, 'sub_domain of the statement must be a domain'],
  ])('refuses a proposal of the server with %s', async (_, draft, problem) => {
    expect((await run(['accept', JTI, '--yes'], draft)).stderr).toContain(problem)
    expect(statementSent()).toBeUndefined()
  })

  it('refuses an unknown proposal', async () => {
    expect((await run(['accept', OTHER, '--yes'])).stderr).toContain(`No proposal ${OTHER} waits`)
  })
})

describe('trust dismiss', () => {
  it('dismisses a proposal with a reason, and says for how long its proposer is refused', async () => {
    const { code, stdout } = await run(['dismiss', JTI, '--reason', 'unknown to us'])
    expect(stdout).toContain('proposal dismissed')
    expect(stdout).toMatch(/^refused until: 2027-02-14T08:00:00Z$/m)
    expect(stdout).toMatch(new RegExp(`^proposer: ${OTHER}$`, 'm'))
    expect(code).toBe(0)
    expect(sent).toMatchObject([{ call: `POST ${PATH}/proposals/${JTI}/dismiss`, body: '{"reason":"unknown to us"}' }])
  })
})

describe('trust list and revoke', () => {
  it('list prints statements as a table, and proposals with their meaning', async () => {
    const { stdout } = await run(['list', '--with-ended'])
    expect(stdout).toMatch(/^JTI +STATE +KIND +SIGNER +SUBJECT +VERSION +EXPIRES$/m)
    expect(stdout).toMatch(new RegExp(`^${JTI} +active +lets-call +shop\\.test +acme\\.test +1 +2027-04-15`, 'm'))
    expect((await run(['list', '--proposals'])).stdout).toContain(`${JTI}  ${MEANS}`)
  })

  it('revoke ends a statement', async () => {
    const { code, stdout } = await run(['revoke', JTI, '--reason', 'over'])
    expect(stdout).toContain('statement ended')
    expect(code).toBe(0)
    expect(sent).toMatchObject([{ call: `POST ${PATH}/${JTI}/revoke`, body: '{"reason":"over"}' }])
  })

  it('writes the request to end a block for further root keys, and sends nothing', async () => {
    const file = join(home, 'request')
    const { stdout } = await run(['revoke', JTI, '--reason', 'peace', '--prepare', file])
    expect(stdout).toContain(`request written to ${file}`)
    expect(sent).toEqual([])
    const request = { operator_id: ID, rpc: `POST ${PATH}/${JTI}/revoke`, body: '{"reason":"peace"}' }
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject(request)
  })
})
