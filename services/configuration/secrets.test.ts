import { generateKeyPairSync } from 'node:crypto'
import { type FileHandle, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { StartupError } from '../platform/errors/startup-error.ts'
import { readConfig } from './config.ts'
import { readOrCreateSecret } from './secret-file.ts'
import { loadSecrets } from './secrets.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-secrets-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const KEK = new Uint8Array(32).fill(9)
const DATABASE = { DATABASE_URL: 'postgresql://u@db.example/a' }
const load = (env: Record<string, string> = {}) => loadSecrets(readConfig(env, join(folder, 'data')))
const put = async (name: string, text: string) => {
  await mkdir(join(folder, 'data'), { recursive: true })
  await writeFile(join(folder, 'data', name), text)
}
const fail = (): never => {
  throw new Error('no randomness')
}
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof StartupError ? error.message : error),
  )

describe('loadSecrets', () => {
  it('creates both secrets for the embedded database, readable only by their owner, and reads them again', async () => {
    const first = await load()
    expect(first.kek).toHaveLength(32)
    expect(first.adminKey).toHaveLength(32)
    expect(await load()).toEqual(first)
    const names = await readdir(join(folder, 'data'))
    expect(names.toSorted()).toEqual(['admin-key.pem', 'key-encryption-key'])
    for (const name of names) expect((await stat(join(folder, 'data', name))).mode & 0o777).toBe(0o600)
  })

  it('returns the same secrets to processes that start at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => load()))
    expect(new Set(all.map(({ kek }) => encodeBase64(kek ?? new Uint8Array())))).toHaveLength(1)
    expect(new Set(all.map(({ adminKey }) => encodeBase64(adminKey ?? KEK)))).toHaveLength(1)
    expect(await readdir(join(folder, 'data'))).toHaveLength(2)
  })

  it('uses the secrets of the environment and creates none when DATABASE_URL is set', async () => {
    const { publicKey } = generateKeyPair()
    const env = { ...DATABASE, AUTH4AGENT_KEK: encodeBase64(KEK) }
    expect(await load(env)).toMatchObject({ kek: Buffer.from(KEK), adminKey: undefined, adminKeyFile: undefined })
    expect(await load({ ...env, AUTH4AGENT_ADMIN_KEY: encodeBase64(publicKey) })).toMatchObject({
      adminKey: Buffer.from(publicKey),
    })
    expect(await readdir(folder)).toEqual([])
  })

  it('reads the KEK from a file', async () => {
    const path = join(folder, 'kek')
    await writeFile(path, `${encodeBase64(KEK)}\n`)
    expect((await load({ ...DATABASE, AUTH4AGENT_KEK_FILE: path })).kek).toEqual(Buffer.from(KEK))
  })

  it('does not create a file that the environment names', async () => {
    const path = join(folder, 'kek')
    expect(await refusal(load({ ...DATABASE, AUTH4AGENT_KEK_FILE: path }))).toContain(
      `AUTH4AGENT_KEK_FILE names ${path} for a key-encryption key, but there is no such file`,
    )
    expect(await readdir(folder)).toEqual([])
  })

  it.each([
    ['nothing', ''],
    ['too few bytes', encodeBase64(KEK.slice(1))],
    ['text', 'secret-text'],
    ['two lines', `${encodeBase64(KEK)}\n${encodeBase64(KEK)}`],
  ])('refuses a KEK file that contains %s, without showing its text', async (_name, text) => {
    await put('key-encryption-key', text)
    const message = await refusal(load())
    expect(message).toContain('must contain 32 bytes in base64')
    if (text !== '') expect(message).not.toContain(text)
  })

  it('does not create a new KEK beside a database that needs the old one', async () => {
    await mkdir(join(folder, 'data', 'postgres'), { recursive: true })
    expect(await refusal(load())).toContain('restore the file')
    expect(await readdir(join(folder, 'data'))).toEqual(['postgres'])
  })

  const pem = { type: 'pkcs8', format: 'pem' } as const
  it.each([
    ['no key', 'x'],
    ['nothing', ''],
    ['a key of P-256', String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem))],
    ['a key of X25519', String(generateKeyPairSync('x25519').privateKey.export(pem))],
    ['a key of Ed448', String(generateKeyPairSync('ed448').privateKey.export(pem))],
  ])('refuses a file of the administrator key that contains %s', async (_name, text) => {
    await put('admin-key.pem', text)
    expect(await refusal(load())).toContain('must contain an Ed25519 private key in PEM')
  })
})

describe('readOrCreateSecret', () => {
  it('does not change an existing secret', async () => {
    const path = join(folder, 'a')
    await writeFile(path, 'old')
    expect(await readOrCreateSecret(path, () => 'new')).toBe('old')
    expect(await readFile(path, 'utf8')).toBe('old')
  })

  it('syncs the secret and then its name in the folder', async () => {
    const synced: string[] = []
    const probe = await open(folder)
    const handle = Object.getPrototypeOf(probe) as FileHandle
    await probe.close()
    const sync = vi.spyOn(handle, 'sync').mockImplementation(async function (this: FileHandle) {
      const names = (await this.stat()).isDirectory() ? await readdir(folder) : ['the secret']
      synced.push(...names)
    })
    try {
      await readOrCreateSecret(join(folder, 'a'), () => 'new')
    } finally {
      sync.mockRestore()
    }
    expect(synced).toEqual(['the secret', 'a'])
  })

  it('leaves no file when it cannot create a secret', async () => {
    await expect(readOrCreateSecret(join(folder, 'none', 'a'), () => 'new')).rejects.toThrow('ENOENT')
    await expect(readOrCreateSecret(join(folder, 'a'), fail)).rejects.toThrow('no randomness')
    expect(await readdir(folder)).toEqual([])
  })
})
