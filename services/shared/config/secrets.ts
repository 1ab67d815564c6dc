import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeBase64, decodeBase64url, encodeBase64 } from '../crypto/base64.ts'
import { generateKeyPair } from '../crypto/ed25519.ts'
import { StartupError } from '../startup-error.ts'
import type { Config } from './config.ts'
import { readIfPresent, readOrCreateSecret } from './secret-file.ts'

/** Secrets that the configuration names or, on the embedded default, that the first start makes. */
export interface Secrets {
  /** Key-encryption key, 32 bytes; undefined in a process that seals nothing. */
  readonly kek: Uint8Array | undefined
  /** Raw Ed25519 public key of the deployment's administrator. */
  readonly adminKey: Uint8Array | undefined
  /** Where the administrator's private key stands, when it was made here. */
  readonly adminKeyFile: string | undefined
}

/** Loads the secrets. Throws StartupError when a file is missing or is not what it should be. */
export async function loadSecrets(config: Config): Promise<Secrets> {
  if (config.databaseUrl === undefined) await mkdir(config.dataDir, { recursive: true })
  const kek = config.services.includes('authn') ? (config.kek ?? (await loadKek(config))) : undefined
  if (config.databaseUrl !== undefined || config.adminKey !== undefined) {
    return { kek, adminKey: config.adminKey, adminKeyFile: undefined }
  }
  const adminKeyFile = join(config.dataDir, 'admin-key.pem')
  return { kek, adminKey: await loadAdminKey(adminKeyFile), adminKeyFile }
}

async function loadKek({ kekFile, dataDir }: Config): Promise<Uint8Array> {
  const path = kekFile ?? join(dataDir, 'key-encryption-key')
  const text = kekFile === undefined ? await readOrCreateKek(path, dataDir) : await readIfPresent(path)
  if (text === undefined) throw new StartupError(`There is no key-encryption key at ${path}.`)
  const bytes = decodeBase64(text.trim())
  if (bytes?.length !== 32) throw new StartupError(`${path} must hold 32 bytes in base64.`)
  return bytes
}

async function readOrCreateKek(path: string, dataDir: string): Promise<string> {
  const hasDatabase = await stat(join(dataDir, 'postgres')).then(Boolean, () => false)
  if (hasDatabase && (await readIfPresent(path)) === undefined) {
    throw new StartupError(
      `${path} is gone, and the signing keys of the database beside it cannot be opened without it. Restore it.`,
    )
  }
  return readOrCreateSecret(path, () => `${encodeBase64(randomBytes(32))}\n`)
}

async function loadAdminKey(path: string): Promise<Uint8Array> {
  const pem = await readOrCreateSecret(path, () =>
    String(generateKeyPair().privateKey.export({ type: 'pkcs8', format: 'pem' })),
  )
  try {
    const key = createPublicKey(createPrivateKey(pem))
    const raw = decodeBase64url(key.export({ format: 'jwk' }).x ?? '')
    if (key.asymmetricKeyType === 'ed25519' && raw !== undefined) return raw
  } catch {
    // Said below: what OpenSSL says of a broken file helps nobody.
  }
  throw new StartupError(`${path} must hold an Ed25519 private key in PEM.`)
}
