import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StartupError } from '../platform/errors/startup-error.ts'
import { readConfig } from './config.ts'
import { loadSecrets } from './secrets.ts'
import { SERVICE_NAMES, type ServiceName } from './service-names.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-secrets-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const kek = (byte: number) => Buffer.alloc(32, byte)
const DATABASE = { DATABASE_URL: 'postgresql://u@db.example/a', AUTH4AGENT_KEK: encodeBase64(kek(1)) }
const TOKEN = { AUTH4AGENT_PKCS11_MODULE: '/module.so', AUTH4AGENT_PKCS11_TOKEN: 'a token' }

const load = (env: Record<string, string> = {}, services: readonly ServiceName[] = SERVICE_NAMES) =>
  loadSecrets(readConfig(env, join(folder, 'data'), services))

async function put(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

/** Returns the message of a StartupError. Any other result fails the test. */
async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => 'nothing was thrown',
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(StartupError)
  return error instanceof Error ? error.message : ''
}

describe('loadSecrets, the key secrets', () => {
  it('returns only the KEK when no other secret is configured', async () => {
    expect(await load(DATABASE)).toMatchObject({ otherKeks: [], signingKey: undefined, pkcs11: undefined })
  })

  it('returns the other KEKs from the environment and from files', async () => {
    const files = [await put('three', `${encodeBase64(kek(3))}\n`), await put('four', encodeBase64(kek(4)))]
    const env = {
      ...DATABASE,
      AUTH4AGENT_OTHER_KEKS: [kek(1), kek(2), kek(2)].map(encodeBase64).join(),
      AUTH4AGENT_OTHER_KEK_FILES: files.join(', '),
    }
    const { kek: own, otherKeks } = await load(env)
    expect(own).toEqual(kek(1))
    expect(otherKeks).toEqual([kek(1), kek(2), kek(2), kek(3), kek(4)])
  })

  it('returns the text of the signing key file unchanged', async () => {
    const text = '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n'
    const env = { ...DATABASE, AUTH4AGENT_SIGNING_KEY_FILE: await put('key.pem', text) }
    expect((await load(env)).signingKey).toBe(text)
  })

  it.each([
    ['1234', '1234'],
    ['1234\n', '1234'],
    ['1234\r\n', '1234'],
    [' 12 34 \n', ' 12 34 '],
  ])('reads a PIN file with %j as the PIN %j', async (text, pin) => {
    const env = { ...DATABASE, ...TOKEN, AUTH4AGENT_PKCS11_PIN_FILE: await put('pin', text) }
    expect((await load(env)).pkcs11).toEqual({ module: '/module.so', tokenLabel: 'a token', pin })
  })

  it('returns the PIN from the environment', async () => {
    expect((await load({ ...DATABASE, ...TOKEN, AUTH4AGENT_PKCS11_PIN: '1234' })).pkcs11?.pin).toBe('1234')
  })

  it.each([
    ['nothing', ''],
    ['an empty line', '\n'],
    ['two lines', 'secret-pin\nsecret-pin'],
    ['two line ends', 'secret-pin\n\n'],
  ])('refuses a PIN file that contains %s, without showing its text', async (_name, text) => {
    const path = await put('pin', text)
    const message = await refusalOf(load({ ...DATABASE, ...TOKEN, AUTH4AGENT_PKCS11_PIN_FILE: path }))
    expect(message).toBe(`AUTH4AGENT_PKCS11_PIN_FILE: ${path} must contain a PIN in one line`)
  })

  it.each([
    ['nothing', ''],
    ['31 bytes', encodeBase64(kek(5).subarray(1))],
    ['text', 'secret-text'],
    ['two keys', `${encodeBase64(kek(5))}\n${encodeBase64(kek(5))}`],
  ])('refuses a file of another KEK that contains %s, without showing its text', async (_name, text) => {
    const path = await put('other', text)
    const message = await refusalOf(load({ ...DATABASE, AUTH4AGENT_OTHER_KEK_FILES: path }))
    expect(message).toBe(`AUTH4AGENT_OTHER_KEK_FILES: ${path} must contain 32 bytes in base64`)
  })

  it.each([
    ['AUTH4AGENT_OTHER_KEK_FILES', 'a key-encryption key', {}],
    ['AUTH4AGENT_SIGNING_KEY_FILE', 'the first signing key', {}],
    ['AUTH4AGENT_PKCS11_PIN_FILE', 'the PIN', TOKEN],
  ])('refuses a missing file or a folder for %s, and creates no secret', async (name, what, env) => {
    const path = join(folder, 'none')
    const start = (at: string) => `${name} names ${at} for ${what}, but `
    expect(await refusalOf(load({ ...env, [name]: path }))).toBe(`${start(path)}there is no such file`)
    expect(await refusalOf(load({ ...env, [name]: folder }))).toBe(`${start(folder)}that is a folder`)
    expect(await readdir(join(folder, 'data'))).toEqual([])
  })

  it('reads no key secrets and no files of them in a process without authn', async () => {
    const env = {
      ...DATABASE,
      ...TOKEN,
      AUTH4AGENT_OTHER_KEKS: encodeBase64(kek(2)),
      AUTH4AGENT_OTHER_KEK_FILES: '/none',
      AUTH4AGENT_SIGNING_KEY_FILE: '/none',
      AUTH4AGENT_PKCS11_PIN_FILE: '/none',
    }
    const none = { kek: undefined, otherKeks: [], signingKey: undefined, pkcs11: undefined }
    expect(await load(env, ['operator-registry'])).toMatchObject(none)
  })
})
