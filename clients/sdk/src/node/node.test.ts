import { execFile } from 'node:child_process'
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { importPublicKey, verify } from '@auth4agent/core/keys/ed25519'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Signer } from '../signer.ts'
import {
  createKeyFile,
  generatePrivateKey,
  loadSigner,
  parsePrivateKey,
  pathsIn,
  readAgentConfig,
  readKeyFile,
  readOperatorConfig,
  updateAgentConfig,
  updateOperatorConfig,
  writeText,
} from './index.ts'

const run = promisify(execFile)
/** RFC 8032 section 7.1, test 1: seed and public half. */
const SEED = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
const PUBLIC = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex')
const KEY = Buffer.concat([SEED, PUBLIC]).toString('base64')
const DID = 'did:agent:example.com:21fe31dfa154a261626bf854046fd227'

let folder: string

/** The bytes of `agent.json` as the tool of version 1 writes it. */
const agentJson = (operator = '') => `{
  "did": "${DID}",
  "operator_id": "${operator}",
  "server_url": "http://localhost:8080",
  "public_key": "${PUBLIC.toString('base64')}",
  "key": {
    "provider": "file",
    "ref": "${join(folder, 'keys/agent.key')}"
  },
  "did_document": {
    "@context": [
      "https://www.w3.org/ns/did/v1"
    ],
    "id": "${DID}",
    "controller": "${DID}",
    "created_at": "2026-01-15T10:30:00Z",
    "verificationMethod": [
      {
        "id": "${DID}#key-1",
        "type": "Ed25519VerificationKey2020",
        "controller": "${DID}",
        "publicKeyMultibase": "${PUBLIC.toString('base64')}"
      }
    ],
    "authentication": [
      "${DID}#key-1"
    ],
    "assertionMethod": [
      "${DID}#key-1"
    ]
  }
}`

const operatorJson = (more = '') => `{
  "id": "aaaaaaaa-1111-8111-8111-111111111111",
  "domain": "example.com",
  "server_url": "http://localhost:8080",
  "root_public_key": "${PUBLIC.toString('base64')}",
  "key": {
    "provider": "file",
    "ref": "${join(folder, 'keys/operator.key')}"
  }${more}
}`

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-node-'))
  await mkdir(join(folder, 'keys'), { mode: 0o700 })
  await writeFile(pathsIn(folder).agent, agentJson(), { mode: 0o600 })
  await writeFile(pathsIn(folder).operator, operatorJson(), { mode: 0o600 })
  await writeFile(pathsIn(folder).agentKey, KEY, { mode: 0o600 })
  await writeFile(pathsIn(folder).operatorKey, KEY, { mode: 0o600 })
})

afterEach(() => rm(folder, { recursive: true }))

const textOf = (path: string) => readFile(path, 'utf8')

async function expectSigns(signer: Signer) {
  const message = Buffer.from('message')
  const key = importPublicKey(signer.publicKey)
  expect(key !== undefined && verify(key, message, await signer.sign(message))).toBe(true)
}

describe('the configuration folder', () => {
  it('of version 1 is read and stays unchanged', async () => {
    const agent = await readAgentConfig(folder)
    expect(agent).toMatchObject({ did: DID, operator_id: '', server_url: 'http://localhost:8080' })
    const operator = await readOperatorConfig(folder)
    expect(operator).toMatchObject({
      id: expect.stringContaining('aaaa'),
      domain: 'example.com',
      domain_verified_at: '',
    })
    if (agent === undefined || operator === undefined) throw new Error('A configuration file was not found')
    for (const config of [agent, operator]) {
      const signer = await loadSigner(folder, config)
      expect(Buffer.from(signer.publicKey)).toEqual(PUBLIC)
      await expectSigns(signer)
    }
    expect(await textOf(pathsIn(folder).agent)).toBe(agentJson())
    expect(await textOf(pathsIn(folder).agentKey)).toBe(KEY)
  })

  it('is written in the same form, and keeps unknown members', async () => {
    await updateAgentConfig(folder, { operator_id: 'op' })
    expect(await textOf(pathsIn(folder).agent)).toBe(agentJson('op'))
    await writeFile(pathsIn(folder).operator, operatorJson(',\n  "note": [\n    1\n  ]'))
    await updateOperatorConfig(folder, { domain_verified_at: '2026-01-15T10:30:00Z' })
    expect(await textOf(pathsIn(folder).operator)).toBe(
      operatorJson(',\n  "note": [\n    1\n  ],\n  "domain_verified_at": "2026-01-15T10:30:00Z"'),
    )
    expect((await stat(pathsIn(folder).operator)).mode & 0o777).toBe(0o600)
    expect((await readdir(folder)).toSorted()).toEqual(['agent.json', 'keys', 'operator.json'])
  })

  it('can be moved, because loadSigner also looks for the key file in its subfolder keys', async () => {
    const agent = await readAgentConfig(folder)
    if (agent === undefined) throw new Error('agent.json was not found')
    await expectSigns(
      await loadSigner(folder, { ...agent, key: { provider: 'file', ref: '/elsewhere/keys/agent.key' } }),
    )
  })

  it('can be missing, and then its configurations are read as undefined', async () => {
    expect(await readAgentConfig(join(folder, 'none'))).toBeUndefined()
    expect(await readOperatorConfig(join(folder, 'none'))).toBeUndefined()
  })

  it('can contain a link to a configuration file elsewhere, which stays a link', async () => {
    const elsewhere = join(folder, 'elsewhere.json')
    await writeFile(elsewhere, agentJson())
    await rm(pathsIn(folder).agent)
    await symlink(elsewhere, pathsIn(folder).agent)
    await updateAgentConfig(folder, { operator_id: 'op' })
    expect(await textOf(elsewhere)).toBe(agentJson('op'))
  })

  it.each([
    ['a link to another file', async (path: string) => symlink(pathsIn(folder).operator, path)],
    ['a link to nothing', async (path: string) => symlink(join(folder, 'none'), path)],
    ['a file that others may read', async (path: string) => writeFile(path, 'old', { mode: 0o644 })],
  ])('writeText with replacesLink replaces %s by a file of mode 0600', async (_name, make) => {
    const path = join(folder, 'token')
    await make(path)
    await writeText(path, 'new', { replacesLink: true })
    expect(await lstat(path).then((stat) => [stat.isFile(), stat.mode & 0o777])).toEqual([true, 0o600])
    expect(await textOf(path)).toBe('new')
    expect(await textOf(pathsIn(folder).operator)).toBe(operatorJson())
    expect((await readdir(folder)).toSorted()).toEqual(['agent.json', 'keys', 'operator.json', 'token'])
  })

  it('writeText refuses to replace a pipe', async () => {
    const path = join(folder, 'pipe')
    await run('mkfifo', [path])
    for (const replacesLink of [true, false]) {
      await expect(writeText(path, 'x', { replacesLink })).rejects.toMatchObject({
        reason: 'CONFIGURATION',
        message: `${path} cannot be written: The path is not a file`,
      })
    }
    expect((await lstat(path)).isFIFO()).toBe(true)
  })

  it.each([
    ['invalid JSON', '{', /agent.json must be a JSON object/],
    ['an array', '[]', /agent.json must be a JSON object/],
    ['null', 'null', /agent.json must be a JSON object/],
    ['a number for a string', '{"did":1}', /did in .*agent.json must be a string/],
    ['a key that is a string', '{"key":"x"}', /key in .*agent.json must be an object/],
  ])('readAgentConfig rejects %s, and updateAgentConfig does not overwrite it', async (_name, content, message) => {
    await writeFile(pathsIn(folder).agent, content)
    await expect(readAgentConfig(folder)).rejects.toMatchObject({
      reason: 'CONFIGURATION',
      message: expect.stringMatching(message),
    })
    await updateAgentConfig(folder, { did: DID }).catch(() => undefined)
    if (!content.startsWith('{"')) expect(await textOf(pathsIn(folder).agent)).toBe(content)
  })

  it('writeText creates missing folders with mode 0700', async () => {
    const path = join(folder, 'a', 'b', 'token')
    await writeText(path, 'first')
    await writeText(path, 'second')
    expect(await readFile(path, 'utf8')).toBe('second')
    expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700)
  })

  it.runIf(process.platform === 'linux').each([
    ['/proc/x/y', 'ENOENT'],
    ['/proc/x/y/z', 'ENOENT'],
    ['/dev/null/x', 'ENOTDIR'],
  ])('writeText at %s rejects with %s and does not hang', async (path, code) => {
    await expect(writeText(path, 'x')).rejects.toMatchObject({
      reason: 'CONFIGURATION',
      message: expect.stringContaining(`${path} cannot be written: ${code}`),
    })
  })

  it('loadSigner rejects a key that the configuration does not name, and an unknown provider', async () => {
    const agent = await readAgentConfig(folder)
    if (agent === undefined) throw new Error('agent.json was not found')
    await writeFile(pathsIn(folder).agentKey, generatePrivateKey().text)
    await expect(loadSigner(folder, agent)).rejects.toThrow(/not the one that the configuration/)
    const vault = { ...agent, key: { provider: 'vault', ref: 'x' } }
    await expect(loadSigner(folder, vault)).rejects.toThrow(/Unknown key provider "vault"/)
  })
})

describe('a key file', () => {
  it.each([0o640, 0o604, 0o644, 0o660, 0o610])(
    'is refused with mode %o, and the error names the chmod command',
    async (mode) => {
      const path = pathsIn(folder).agentKey
      await chmod(path, mode)
      await expect(readKeyFile(path)).rejects.toMatchObject({
        reason: 'CONFIGURATION',
        message: expect.stringContaining(`chmod 600 '${path}'`),
      })
      await chmod(path, 0o400)
      await expectSigns(await readKeyFile(path))
    },
  )

  it('is created once, with mode 0600, in the format of version 1', async () => {
    const path = join(folder, 'more', 'keys', 'a.key')
    const signer = await createKeyFile(path)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'more'))).mode & 0o777).toBe(0o700)
    const bytes = Buffer.from(await textOf(path), 'base64')
    expect(await textOf(path)).toBe(bytes.toString('base64'))
    expect(bytes.subarray(32)).toEqual(Buffer.from(signer.publicKey))
    await expectSigns(await readKeyFile(path))
    await expect(createKeyFile(path)).rejects.toThrow(/it exists already/)
    expect(await textOf(path)).toBe(bytes.toString('base64'))
  })

  it('can be PEM as OpenSSL writes it', async () => {
    const path = join(folder, 'admin.pem')
    await run('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', path])
    await chmod(path, 0o600)
    await expectSigns(await readKeyFile(path))
  })

  it('is refused at once if it is a pipe, a folder or missing', async () => {
    await run('mkfifo', ['-m', '600', join(folder, 'pipe')])
    await expect(readKeyFile(join(folder, 'pipe'))).rejects.toThrow(/must be a regular file/)
    await expect(readKeyFile(folder)).rejects.toThrow(/must be a regular file/)
    await expect(readKeyFile(join(folder, 'none'))).rejects.toThrow(/There is no key file at/)
  })

  it.each([
    ['no content', ''],
    ['a seed alone', SEED.toString('base64')],
    ['65 bytes', Buffer.concat([SEED, PUBLIC, Buffer.of(0)]).toString('base64')],
    ['base64url', `-_${KEY.slice(2)}`],
    ['no padding', KEY.replaceAll('=', '')],
    ['bits after the last byte', KEY.replace(/.==$/, 'h==')],
    ['a line break in it', `${KEY.slice(0, 40)}\n${KEY.slice(40)}`],
    ['another public half', Buffer.concat([SEED, generatePrivateKey().signer.publicKey]).toString('base64')],
    [
      'PEM of a public key',
      '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----',
    ],
    ['PEM of nothing', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'],
  ])('with %s is refused, and the error does not repeat its content', (_name, text) => {
    const key = parsePrivateKey(text)
    expect(key).toMatchObject({ ok: false, why: expect.any(String) })
    if (!key.ok && text !== '') expect(key.why).not.toContain(text.slice(0, 12))
  })

  it('can end with a line break', () => {
    expect(parsePrivateKey(`${KEY}\n`)).toMatchObject({ ok: true })
  })

  it('is never visible in the JSON of its signer', async () => {
    const signer = await readKeyFile(pathsIn(folder).agentKey)
    expect(JSON.stringify(signer)).not.toContain(KEY.slice(0, 40))
  })
})
