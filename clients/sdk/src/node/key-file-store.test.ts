import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createKeyFile, createP256KeyFile, keyFileStore, readKeyFile, readSigningKeyFile } from './index.ts'
import { durableFiles } from './key-files.ts'
import { takeLock } from './lock-file.ts'

const run = promisify(execFile)
let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-store-'))
  path = join(folder, 'agent.key')
  await createKeyFile(path)
})
afterEach(() => rm(folder, { recursive: true }))

const kidIn = async (file: string) => signerKid(await readKeyFile(file))
const names = async (of = folder) => (await readdir(of)).toSorted()

const take = () => takeLock(`${path}.lock`, durableFiles)

describe('keyFileStore', () => {
  it('gives keys their roles, and leaves only the key files, which only their owner can read', async () => {
    const store = keyFileStore(path)
    await store.exclusively(async () => {
      const next = signerKid(await store.generate('next'))
      expect(signerKid(await store.generate('next'))).toBe(next)
      const pending = signerKid(await store.generate('pending'))
      const before = await store.version()
      await store.place('current', next)
      expect(await store.version()).not.toBe(before)
      await store.place('next', pending)
      expect([await kidIn(path), await kidIn(`${path}.next`)]).toEqual([next, pending])
      await store.place('next', pending)
    })
    expect(await names()).toEqual(['agent.key', 'agent.key.next'])
    for (const name of await names()) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
  })

  it('keeps a next key that it does not know under another name', async () => {
    const store = keyFileStore(path)
    const unknown = signerKid(await createKeyFile(`${path}.next`))
    const saved = await createKeyFile(join(folder, 'safe.key'))
    await store.exclusively(() => store.save(saved))
    expect(await kidIn(`${path}.next`)).toBe(signerKid(saved))
    expect(await kidIn(`${path}.next.${unknown.slice(0, 8)}`)).toBe(unknown)
  })

  it('keeps the next key in another folder, and its files beside the target of a link', async () => {
    await Promise.all(['disk', 'links'].map((name) => mkdir(join(folder, name))))
    const link = join(folder, 'links', 'agent.key')
    await symlink(path, link)
    const store = keyFileStore(link, { next: join(folder, 'disk', 'next.key') })
    await store.exclusively(async () => {
      await store.generate('pending')
      await store.place('current', signerKid(await store.generate('next')))
    })
    expect(await names(join(folder, 'disk'))).toEqual(['next.key.pending'])
    expect(await names(join(folder, 'links'))).toEqual(['agent.key'])
    expect(signerKid((await store.read()).current)).toBe(await kidIn(path))
  })

  it('removes the copy of a key that a killed process left', async () => {
    await writeFile(join(folder, '.agent.key.next.tmp'), 'rest')
    await keyFileStore(path).exclusively(async () => undefined)
    expect(await names()).toEqual(['agent.key'])
  })

  it('rejects with CONFIGURATION without a key file, for an unknown key, and where it cannot write', async () => {
    await expect(keyFileStore(join(folder, 'none')).read()).rejects.toMatchObject({ reason: 'CONFIGURATION' })
    const store = keyFileStore(path)
    const place = store.exclusively(() => store.place('current', 'x'.repeat(43)))
    await expect(place).rejects.toMatchObject({ reason: 'CONFIGURATION' })
    const nowhere = keyFileStore('/dev/null/agent.key').exclusively(async () => undefined)
    await expect(nowhere).rejects.toThrow('The key files at /dev/null/agent.key cannot be changed: ENOTDIR')
  })

  it('changes no file outside of exclusively, and none after another process has taken its lock', async () => {
    const store = keyFileStore(path)
    await expect(store.generate('next')).rejects.toThrow('only in exclusively()')
    const late = store.exclusively(async () => {
      await writeFile(`${path}.lock`, 'of another process')
      await store.generate('next')
    })
    await expect(late).rejects.toThrow('Another process has taken over the lock')
    expect(await names()).toEqual(['agent.key', 'agent.key.lock'])
  })
})

describe('takeLock', () => {
  it('waits for its holder', async () => {
    const first = await take()
    const second = take()
    await first.expectHeld()
    expect(await Promise.race([second, Promise.resolve('still waiting')])).toBe('still waiting')
    await first.release()
    await (await second).release()
    expect(await names()).toEqual(['agent.key'])
  })

  it('takes over the lock of a process of this machine that has ended', async () => {
    const held = await take()
    const holder = JSON.parse(await readFile(`${path}.lock`, 'utf8'))
    await held.release()
    const { stdout } = await run(process.execPath, ['-p', 'process.pid'])
    await writeFile(`${path}.lock`, JSON.stringify({ ...holder, pid: Number(stdout) }))
    await (await take()).release()
    expect(holder.place).toContain(hostname())
    expect(await names()).toEqual(['agent.key'])
  })

  it('takes over a lock that nobody has touched for a minute', async () => {
    await writeFile(`${path}.lock`, JSON.stringify({ id: 'x', pid: 1, place: 'another machine' }))
    const old = new Date(Date.now() - 61_000)
    await utimes(`${path}.lock`, old, old)
    await (await take()).release()
  })
})

it('a signing key of P-256 is created once, in PEM that OpenSSL reads, with mode 0600', async () => {
  const file = join(folder, 'laptop.pem')
  const { alg, publicKey } = await createP256KeyFile(file)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await run('openssl', ['pkey', '-in', file, '-noout', '-text'])).stdout).toContain('prime256v1')
  expect(await readSigningKeyFile(file)).toMatchObject({ alg, publicKey })
  await expect(createP256KeyFile(file)).rejects.toThrow('it exists already')
  expect(await readSigningKeyFile(path)).toMatchObject({ publicKey: (await readKeyFile(path)).publicKey })
  await writeFile(file, 'x')
  await expect(readSigningKeyFile(file)).rejects.toMatchObject({ reason: 'CONFIGURATION' })
})
