import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathsIn } from '@auth4agent/sdk/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'
import { attestationAnswers, ENROL_PATH, evidenceOf, OPERATOR } from '../../../../test/support/sdk/attestation.ts'
import { type FakeIssuer, startIssuer } from '../../../../test/support/sdk/issuer.ts'

let issuer: FakeIssuer
let folder: string
let home: string
beforeEach(async () => {
  issuer = await startIssuer(attestationAnswers)
  home = await mkdtemp(join(tmpdir(), 'auth4agent-cli-'))
  folder = join(home, 'agent')
  await writeFile(join(home, 'token'), 'a.b.c\n')
})
afterEach(async () => {
  await issuer[Symbol.asyncDispose]()
  await rm(home, { recursive: true })
})

const run = (args: readonly string[], readStdin = async () => '') =>
  runCli([...args, '--config', folder], { fetch: globalThis.fetch, readStdin })
const where = () => ['--server', issuer.url, '--operator-id', OPERATOR]
const kubernetes = () => ['agent', 'enrol', '--with', 'kubernetes', '--token-file', join(home, 'token')]
const config = async () => JSON.parse(await readFile(join(folder, 'agent.json'), 'utf8'))
const sent = () => issuer.seen.flatMap(({ path, body }) => (path === ENROL_PATH ? [body] : []))

describe('agent enrol', () => {
  it('creates a key, enrols with it, and prints the DID, the rule and the scopes', async () => {
    const { code, stdout, stderr } = await run([...kubernetes(), ...where(), '--rule', 'pods'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { did, public_key, ...rest } = await config()
    expect(stdout).toContain(`did: ${did}\nrule: pods\nscopes: read write`)
    expect(stdout).toMatch(/kubernetes +oidc +bound/)
    expect(stdout).toContain('auth4agent token issue --scope read,write --aud AUDIENCE')
    expect(rest).toMatchObject({ operator_id: OPERATOR, server_url: issuer.url, did_document: { id: did } })
    expect((await stat(pathsIn(folder).agentKey)).mode % 0o1000).toBe(0o600)
    const [body = {}] = sent()
    expect(body).toMatchObject({ agent_public_key: public_key, attestation: { rule: 'pods' } })
    expect(evidenceOf(body, Buffer.from(public_key, 'base64'))).toEqual({ kubernetes: ['a.b.c', true] })
    expect((await run(['token', 'issue', '--scope', 'read', '--aud', 'x.example'])).code).toBe(0)
  })

  it('enrols again with the same key, server and operator', async () => {
    await run([...kubernetes(), ...where()])
    const before = await config()
    expect((await run(kubernetes())).code).toBe(0)
    expect(await config()).toEqual(before)
    expect(new Set(sent().map((body) => body.agent_public_key)).size).toBe(1)
  })

  it('keeps the key of an attempt that was refused', async () => {
    issuer.next(ENROL_PATH, { status: 403, body: { reason: 'ENROLMENT_REFUSED', detail: 'No rule is met' } })
    const { code, stderr } = await run([...kubernetes(), ...where()])
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('auth4agent enrolment-rule test') })
    await expect(config()).rejects.toThrow('ENOENT')
    expect((await run([...kubernetes(), ...where()])).code).toBe(0)
    expect(new Set(sent().map((body) => body.agent_public_key)).size).toBe(1)
  })

  it('reads a join token from standard input, and evidence for another attestor from a file', async () => {
    const joined = await run(
      ['agent', 'enrol', '--with', 'join-token', '--token-file', '-', ...where()],
      async () => 'secret\n',
    )
    expect(joined.code).toBe(0)
    const own = [
      'agent',
      'enrol',
      '--with',
      'file',
      '--attestor',
      'vault',
      '--token-file',
      join(home, 'token'),
      ...where(),
    ]
    expect((await run(own)).code).toBe(0)
    const names = sent().map(({ attestation }) => Object(attestation).evidence[0].attestor)
    expect(names).toEqual(['join_token', 'vault'])
  })

  it('refuses an agent that has replaced the key in its DID', async () => {
    await run([...kubernetes(), ...where()])
    const path = join(folder, 'agent.json')
    const did = `did:agent:acme.example:${'a'.repeat(32)}`
    await writeFile(path, JSON.stringify({ ...(await config()), did }))
    const { code, stderr } = await run(kubernetes())
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining('has replaced the key in its DID') })
    expect(sent().length).toBe(1)
  })

  it('ends with 1 if the source has no evidence, and says where it has looked', async () => {
    const missing = ['agent', 'enrol', '--with', 'kubernetes', '--token-file', join(home, 'none'), ...where()]
    const { code, stderr } = await run(missing)
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`There is no file ${home}/none`) })
  })

  it.each<[string, readonly string[], string]>([
    ['no source', [], 'Missing: --with SOURCE'],
    ['an unknown source', ['--with', 'kubernets'], 'Did you mean kubernetes?'],
    ['one name for two sources', ['--with', 'gcp,gitlab', '--attestor', 'x'], '--attestor can only go with one source'],
    ['a join token without its file', ['--with', 'join-token'], 'Missing: --token-file'],
    ['a file without an attestor', ['--with', 'file', '--token-file', 'x'], 'Missing: --attestor'],
    ['a certificate without its key', ['--with', 'x509', '--certificate', 'x'], 'Missing: --certificate-key'],
    ['azure without a resource', ['--with', 'azure'], 'Missing: --resource'],
    ['spiffe with a TCP address', ['--with', 'spiffe', '--socket', 'tcp://127.0.0.1:1'], 'socket must be the path'],
    ['a PCR that does not exist', ['--with', 'tpm', '--pcrs', '7,99'], 'pcrs must be a list of numbers'],
    ['a name of an attestor that is none', ['--with', 'gcp', '--attestor', 'GCP'], 'attestor must be a letter'],
  ])('ends with 2 for %s, and sends nothing', async (_, args, message) => {
    const { code, stderr } = await run(['agent', 'enrol', ...args, ...where()])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) })
    expect(issuer.seen).toEqual([])
  })

  it.each([
    ['no operator', [], 'Missing: --operator-id ID'],
    ['an operator that is no id', ['--operator-id', 'acme.example'], '--operator-id must be a UUID'],
  ])('ends with 2 for %s', async (_, args, message) => {
    const { code, stderr } = await run([...kubernetes(), '--server', issuer.url, ...args])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) })
  })
})
