import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeBase64, decodeBase64url, encodeBase64 } from '@auth4agent/core/encoding/base64'
import { generateKeyPair, seedToPem } from '@auth4agent/core/keys/ed25519'
import { createDataFolder } from '../../embedded-postgres/data-folder.ts'
import { StartupError } from '../../platform/errors/startup-error.ts'
import type { Config } from './config.ts'
import { readIfPresent, readNamed, readOrCreateSecret } from './secret-file.ts'

/** A PKCS #11 token, and how to log in to it. */
interface Pkcs11Token {
  /** Path of the module: the library that the token's maker supplies. */
  readonly module: string
  readonly tokenLabel: string
  readonly pin: string
}

/** Secrets of the signing keys. */
interface KeySecrets {
  /** Key-encryption key, 32 bytes, that seals; undefined in a process that seals nothing. */
  readonly kek: Uint8Array | undefined
  /** Key-encryption keys, 32 bytes each, that open what is sealed under them still. The one that seals may be among them. */
  readonly otherKeks: readonly Uint8Array[]
  /** A private key as text, as its file holds it, for the first start. */
  readonly signingKey: string | undefined
  readonly pkcs11: Pkcs11Token | undefined
}

/** Secrets that the configuration names or, on the embedded default, that the first start makes. */
export interface Secrets extends KeySecrets {
  /** Raw Ed25519 public key of the deployment's administrator. */
  readonly adminKey: Uint8Array | undefined
  /** Where the administrator's private key stands, when it was made here. */
  readonly adminKeyFile: string | undefined
}

const NO_KEYS: KeySecrets = { kek: undefined, otherKeks: [], signingKey: undefined, pkcs11: undefined }

/** Loads the secrets. Throws StartupError when a file is missing or is not what it should be. */
export async function loadSecrets(config: Config): Promise<Secrets> {
  if (config.databaseUrl === undefined) await createDataFolder(config.dataDir)
  const keys = config.services.includes('authn') ? await loadKeySecrets(config) : NO_KEYS
  if (config.databaseUrl !== undefined || config.adminKey !== undefined) {
    return { ...keys, adminKey: config.adminKey, adminKeyFile: undefined }
  }
  const adminKeyFile = join(config.dataDir, 'admin-key.pem')
  return { ...keys, adminKey: await loadAdminKey(adminKeyFile), adminKeyFile }
}

/** What may be made comes last, so that a start which is refused for another file makes nothing. */
async function loadKeySecrets(config: Config): Promise<KeySecrets> {
  const { signingKeyFile } = config
  const fromFiles = await Promise.all(config.otherKekFiles.map(readKek))
  const signingKey = signingKeyFile && (await readNamed(signingKeyFile, 'signing key'))
  const pkcs11 = await loadPkcs11(config)
  return {
    kek: config.kek ?? (await loadKek(config)),
    otherKeks: [...config.otherKeks, ...fromFiles],
    signingKey,
    pkcs11,
  }
}

async function loadPkcs11(config: Config): Promise<Pkcs11Token | undefined> {
  const { pkcs11Module, pkcs11Token, pkcs11Pin, pkcs11PinFile } = config
  const pin = pkcs11Pin ?? (pkcs11PinFile && (await readPin(pkcs11PinFile)))
  if (pkcs11Module === undefined || pkcs11Token === undefined || pin === undefined) return undefined
  return { module: pkcs11Module, tokenLabel: pkcs11Token, pin }
}

async function readPin(path: string): Promise<string> {
  const pin = (await readNamed(path, 'PIN')).replace(/\r?\n$/, '')
  if (pin === '' || /[\r\n]/.test(pin)) throw new StartupError(`${path} must hold a PIN, in one line.`)
  return pin
}

async function loadKek({ kekFile, dataDir }: Config): Promise<Uint8Array> {
  if (kekFile !== undefined) return readKek(kekFile)
  const path = join(dataDir, 'key-encryption-key')
  return parseKek(path, await readOrCreateKek(path, dataDir))
}

async function readKek(path: string): Promise<Uint8Array> {
  return parseKek(path, await readNamed(path, 'key-encryption key'))
}

function parseKek(path: string, text: string): Uint8Array {
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
  const pem = await readOrCreateSecret(path, () => seedToPem(generateKeyPair().seed))
  try {
    const key = createPublicKey(createPrivateKey(pem))
    const raw = decodeBase64url(key.export({ format: 'jwk' }).x ?? '')
    if (key.asymmetricKeyType === 'ed25519' && raw !== undefined) return raw
  } catch {
    // Said below: what OpenSSL says of a broken file helps nobody.
  }
  throw new StartupError(`${path} must hold an Ed25519 private key in PEM.`)
}
