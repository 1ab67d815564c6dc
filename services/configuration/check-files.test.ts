import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { certificate } from '../../test/support/certificate.ts'
import { StartupError } from '../platform/errors/startup-error.ts'
import { checkFiles } from './check-files.ts'
import { readConfig } from './config.ts'
import { SERVICE_NAMES, type ServiceName } from './service-names.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-files-'))
  await Promise.all(Object.entries(FILES).map(([name, text]) => writeFile(join(folder, name), text)))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const pem = (curve: string) =>
  generateKeyPairSync('ec', { namedCurve: curve }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const FILES = {
  cert: certificate.cert,
  key: certificate.key,
  'other-key': pem('P-256'),
  text: 'secret-text',
  p384: pem('P-384'),
}
const OTHERS = Object.fromEntries(
  ['OPERATOR_REGISTRY', 'IDENTITY', 'REVOCATION'].map((name) => [`AUTH4AGENT_${name}_ADDRESSES`, '127.0.0.1:1']),
)
const KEK = Buffer.alloc(32, 1).toString('base64')

/** Checks a configuration whose settings end with `=FILE`: the name of a file in the folder. */
const check = (files: Record<string, string>, services: readonly ServiceName[] = SERVICE_NAMES) => {
  const paths = Object.entries(files).map(([name, file]) => [`AUTH4AGENT_${name}`, join(folder, file)])
  const nats = Object.keys(files).some((name) => name.startsWith('NATS')) ? { NATS_URL: 'nats://127.0.0.1:1' } : {}
  const env = { DATABASE_URL: 'postgresql://u@db.example/a', AUTH4AGENT_KEK: KEK, ...nats }
  const hsm = 'PKCS11_MODULE' in files ? { AUTH4AGENT_PKCS11_TOKEN: 'a', AUTH4AGENT_PKCS11_PIN: '1' } : {}
  return checkFiles(readConfig({ ...env, ...OTHERS, ...hsm, ...Object.fromEntries(paths) }, folder, services))
}

const TLS = { TLS_CERT_FILE: 'cert', TLS_KEY_FILE: 'key' }
const INTERNAL = { INTERNAL_TLS_CERT_FILE: 'cert', INTERNAL_TLS_KEY_FILE: 'key', INTERNAL_TLS_CA_FILE: 'cert' }
const NATS = { NATS_TLS_CERT_FILE: 'cert', NATS_TLS_KEY_FILE: 'key', NATS_TLS_CA_FILE: 'cert', NATS_CREDS_FILE: 'text' }
const SPLIT: readonly ServiceName[] = ['authn', 'jwks-gateway']

describe('checkFiles', () => {
  it('accepts a configuration whose files can all be used', async () => {
    await expect(check({ ...TLS, ...INTERNAL, ...NATS, SIGNING_KEY_FILE: 'key' }, SPLIT)).resolves.toBeUndefined()
  })

  it.each([
    ['TLS_CERT_FILE', TLS],
    ['TLS_KEY_FILE', TLS],
    ['INTERNAL_TLS_CERT_FILE', INTERNAL],
    ['INTERNAL_TLS_KEY_FILE', INTERNAL],
    ['INTERNAL_TLS_CA_FILE', INTERNAL],
    ['NATS_TLS_CERT_FILE', NATS],
    ['NATS_TLS_KEY_FILE', NATS],
    ['NATS_TLS_CA_FILE', NATS],
    ['NATS_CREDS_FILE', NATS],
    ['SIGNING_KEY_FILE', {}],
    ['PKCS11_MODULE', {}],
  ])('names AUTH4AGENT_%s and its path when the file is missing or a folder', async (name, others) => {
    const missing = check({ ...others, [name]: 'none' }, SPLIT)
    await expect(missing).rejects.toThrow(StartupError)
    await expect(missing).rejects.toThrow(`AUTH4AGENT_${name} names ${join(folder, 'none')} for `)
    await expect(missing).rejects.toThrow('but there is no such file')
    await expect(check({ ...others, [name]: '' }, SPLIT)).rejects.toThrow('but that is a folder')
  })

  it.each([
    ['a certificate that is no PEM', { ...TLS, TLS_CERT_FILE: 'text' }, 'TLS_CERT_FILE'],
    ['the key of another certificate', { ...TLS, TLS_KEY_FILE: 'other-key' }, 'TLS_KEY_FILE'],
    ['the key of another internal certificate', { ...INTERNAL, INTERNAL_TLS_KEY_FILE: 'other-key' }, 'INTERNAL_TLS'],
    ['the key of another certificate for NATS', { ...NATS, NATS_TLS_KEY_FILE: 'other-key' }, 'NATS_TLS_KEY_FILE'],
    ['an authority that is no PEM', { ...NATS, NATS_TLS_CA_FILE: 'text' }, 'NATS_TLS_CA_FILE'],
    ['a signing key that is no PEM', { SIGNING_KEY_FILE: 'text' }, 'SIGNING_KEY_FILE'],
    ['a signing key of an unknown curve', { SIGNING_KEY_FILE: 'p384' }, 'SIGNING_KEY_FILE'],
  ])('refuses %s, and shows no text of it', async (_name, files, setting) => {
    const refused = check(files, SPLIT)
    await expect(refused).rejects.toThrow(StartupError)
    await expect(refused).rejects.toThrow(`AUTH4AGENT_${setting}`)
    await expect(refused).rejects.not.toThrow('secret-text')
  })

  it('does not read the files of services that run elsewhere', async () => {
    await expect(check({ SIGNING_KEY_FILE: 'none', PKCS11_MODULE: 'none' }, ['revocation'])).resolves.toBeUndefined()
    await expect(check({ ...INTERNAL, INTERNAL_TLS_CA_FILE: 'none' })).resolves.toBeUndefined()
  })
})
