import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { approveRequest, readKeyRequest } from '@auth4agent/sdk'
import { generatePrivateKey } from '@auth4agent/sdk/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CliOptions, runCli } from '../../../test/support/cli.ts'
import { goodClaims, newRoot, signClaims } from '../../../test/support/trust/statements.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const JOIN = `--operator-id ${ID} --domain acme.example --server https://auth.example`
const request = `operator-key request --label bob --role agents.manage,audit.read`

let home: string
let folder: string
const tool = (line: string, options: CliOptions = {}) => runCli(line.split(' ').filter(Boolean), { home, ...options })
const operatorJson = async () => JSON.parse(await readFile(join(folder, 'operator.json'), 'utf8')) as object
/** Returns the label of the key that signs, by its kid in an assertion. */
const kidUsed = async (more = '', env: CliOptions['env'] = {}) => {
  const { stdout } = await tool(`assertion create ${more}`, { env })
  const header: { kid: string } = JSON.parse(Buffer.from(stdout.split('.')[0] ?? '', 'base64url').toString())
  return header.kid
}

/** Approves a request with this content in a file. */
const approve = async (content: object, flags: string) => {
  await mkdir(folder, { recursive: true })
  await writeFile(join(home, 'request.json'), JSON.stringify(content))
  return tool(`request approve ${join(home, 'request.json')} --offline ${flags}`)
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-keys-'))
  folder = join(home, '.auth4agents')
})
afterEach(() => rm(home, { recursive: true }))

describe('operator-key request', () => {
  it('creates operator.json and a key, and prints a request that this key has signed', async () => {
    const { code, stdout } = await tool(`${request} ${JOIN} --quiet`)
    expect(code).toBe(0)
    expect(await readKeyRequest(stdout)).toMatchObject({
      operatorId: ID,
      issuer: 'https://auth.example',
      label: 'bob',
      roles: ['agents.manage', 'audit.read'],
      isRoot: false,
    })
    expect(await operatorJson()).toMatchObject({
      id: ID,
      root_public_key: '',
      operational_keys: [{ label: 'bob', key: { provider: 'file', ref: 'keys/operator-bob.key' } }],
    })
    const secret = await readFile(join(folder, 'keys/operator-bob.key'), 'utf8')
    expect(stdout).not.toContain(secret.slice(0, 20))
  })

  it('keeps the key when it runs again, and asks for a root key with --root', async () => {
    const kids = async (line: string) => (await readKeyRequest((await tool(line)).stdout)).kid
    const first = await kids(`${request} ${JOIN} --quiet`)
    expect(await kids(`${request} --quiet`)).toBe(first)
    const { stdout } = await tool('operator-key request --label carol --root --quiet')
    expect(await readKeyRequest(stdout)).toMatchObject({ isRoot: true, roles: [], label: 'carol' })
    expect(await operatorJson()).toMatchObject({ root_public_key: expect.stringMatching(/=$/) })
  })

  it.each([
    ['without an operator', request, 4, '--operator-id ID'],
    ['without roles', `operator-key request --label bob ${JOIN}`, 2, '--role is missing'],
    ['for a root key with roles', `${request} --root ${JOIN}`, 2, 'cannot be used together'],
    ['with an unknown role', `operator-key request --label bob --role root ${JOIN}`, 2, '--role must be'],
    ['with the label root', `operator-key request --label root --role policy ${JOIN}`, 2, 'must not be root'],
    ['with an id that is no UUID', `${request} ${JOIN.replace(ID, 'x')}`, 2, 'must be a UUID'],
  ])('refuses a request %s', async (_name, line, code, message) => {
    expect(await tool(line)).toMatchObject({ code, stderr: expect.stringContaining(message) })
  })

  it('refuses another operator than the one of the folder', async () => {
    await tool(`${request} ${JOIN}`)
    const other = JOIN.replace(/a{8}/, 'b'.repeat(8))
    expect(await tool(`${request} ${other}`)).toMatchObject({ code: 4, stderr: expect.stringContaining('--context') })
  })
})

describe('the key that signs', () => {
  it('is the one of --as, AUTH4AGENT_AS, the root key, or the only key, in this order', async () => {
    await tool(`${request} ${JOIN}`)
    const bob = await kidUsed()
    await tool('operator-key request --label ci --role policy')
    expect(await tool('assertion create')).toMatchObject({ code: 4, stderr: expect.stringContaining('--as: bob, ci') })
    const ci = await kidUsed('--as ci')
    expect(ci).not.toBe(bob)
    await tool('operator-key request --label bob-root --root')
    const root = await kidUsed()
    expect([bob, ci]).not.toContain(root)
    const env = { AUTH4AGENT_AS: 'bob' }
    expect(await kidUsed('', env)).toBe(bob)
    expect(await kidUsed('--as ci', env)).toBe(ci)
    expect(await kidUsed('--as root', env)).toBe(root)
  })

  it.each([
    ['assertion create --as bobb', 4, 'Did you mean bob?'],
    ['assertion create --as bob --key x', 2, '--key and --as cannot be used together'],
    ['operator-key set-threshold 2 --as bob', 2, 'only a root key may do this'],
    ['operator-key set-threshold 2', 4, 'needs a root key'],
    ['operator-key rotate-root', 4, 'has no root key'],
  ])('%s is refused with exit code %i in a folder without a root key', async (line, code, message) => {
    await tool(`${request} ${JOIN}`)
    expect(await tool(line)).toMatchObject({ code, stderr: expect.stringContaining(message) })
  })
})

describe('assertion create', () => {
  it.each([
    ['--rpc=POST\u00a0/v1/x --body={}', 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o'],
    ['--rpc=POST\u00a0/v1/x --no-body', '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'],
    ['--rpc=GET\u00a0/v1/x', '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'],
    ['--rpc=POST\u00a0/v1/x', undefined],
    ['', undefined],
  ])('with %j names the digest of the body, if it knows the body', async (flags, digest) => {
    await tool(`${request} ${JOIN}`)
    const words = flags.split(' ').filter(Boolean)
    const args = words.map((word) => word.replace('\u00a0', ' '))
    const { stdout } = await runCli(['assertion', 'create', ...args], { home })
    const claims: { body?: string } = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString())
    expect(claims.body).toBe(digest)
  })
})

const blockedBy = (iss: string) => signClaims(newRoot(), { ...goodClaims('blocks'), iss })
const blocks = await Promise.all([blockedBy(ID), blockedBy(ID.replace('a', 'b'))])

/** Returns the body of a request with a statement that an operator has signed. */
function statementBy(iss: string): string {
  return JSON.stringify({ statement: blocks[iss === ID ? 0 : 1] })
}

describe('request approve', () => {
  const body = JSON.stringify({ reason: 'sold' })
  const prepared = { operator_id: ID, issuer: 'https://auth.example', rpc: `POST /v1/operators/${ID}/release`, body }
  it('signs nothing with --inspect, and otherwise prints an approval', async () => {
    await tool(`operator-key request --label carol --root ${JOIN}`)
    const { stdout } = await approve(prepared, '--inspect')
    expect(stdout).toBe('the request changes:\ngives up the domain of the operator for good: sold\n')
    const approved = await approve(prepared, '--quiet')
    expect(approved.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    expect(await approve(prepared, '--valid-for 8d')).toMatchObject({ code: 2 })
  })

  it('says what a trust statement means', async () => {
    await tool(`operator-key request --label carol --root ${JOIN}`)
    const request = { ...prepared, rpc: `POST /v1/operators/${ID}/trust`, body: statementBy(ID) }
    const { stdout } = await approve(request, '--inspect')
    expect(stdout).toContain('cargo.test blocks all agents of acme.test')
  })

  it('says which trust statement ends', async () => {
    await tool(`operator-key request --label carol --root ${JOIN}`)
    const jti = '0190aaaa-0000-7000-8000-000000000001'
    const rpc = `POST /v1/operators/${ID}/trust/${jti}/revoke`
    const { stdout } = await approve({ ...prepared, rpc, body: '{"reason":"peace"}' }, '--inspect')
    expect(stdout).toContain(`ends the trust statement ${jti}, which may be a block: peace`)
  })

  it.each([
    [
      'the end of a statement of another operator',
      { rpc: `POST /v1/operators/${ID.replace('a', 'b')}/trust/0190aaaa-0000-7000-8000-000000000001/revoke` },
      'The request is no change of the keys',
    ],
    ['another call', { rpc: `POST /v1/operators/${ID}/end-all-tokens` }, 'The request is no change of the keys'],
    [
      'another operator in the path',
      { rpc: prepared.rpc.replace(ID, ID.replace('a', 'b')) },
      'The request is no change of the keys',
    ],
    ['text that is no manifest', { rpc: `PUT /v1/operators/${ID}/keys`, body: '{"manifest":"x"}' }, 'manifest must'],
    ['text that is no statement', { rpc: `POST /v1/operators/${ID}/trust`, body: '{}' }, 'The statement must have'],
    [
      'the trust statement of another operator',
      { rpc: `POST /v1/operators/${ID}/trust`, body: statementBy(ID.replace('a', 'b')) },
      'is by another operator',
    ],
    ['no rpc', { rpc: 1 }, 'is not a prepared request'],
  ])('refuses a request for %s', async (_name, change, message) => {
    await tool(`operator-key request --label carol --root ${JOIN}`)
    const { code, stderr } = await approve({ ...prepared, ...change }, '')
    expect(code).not.toBe(0)
    expect(stderr).toContain(message)
  })
})

it('request send refuses a file that contains no approval or does not exist, and sends nothing', async () => {
  await tool(`operator-key request --label carol --root ${JOIN}`)
  const prepared = { operatorId: ID, issuer: 'https://auth.example', rpc: 'PUT /v1/x', body: '{}' }
  const path = join(home, 'request.json')
  await writeFile(path, JSON.stringify({ operator_id: ID, issuer: prepared.issuer, rpc: prepared.rpc, body: '{}' }))
  await writeFile(join(home, 'bad'), 'x')
  await writeFile(join(home, 'good'), await approveRequest(prepared, { key: generatePrivateKey().signer }))
  expect(await tool(`request send ${path} --approval ${home}/bad`)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('contains no approval'),
  })
  expect(await tool(`request send ${path} --approval ${home}/missing`)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining(`There is no file ${JSON.stringify(join(home, 'missing'))}`),
  })
  expect(await tool(`request send ${path} --approval ${home}/good`)).toMatchObject({ code: 3 })
})
