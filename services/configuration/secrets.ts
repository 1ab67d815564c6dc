import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeBase64, decodeBase64url, encodeBase64 } from '@auth4agent/core/encoding/base64'
import { generateKeyPair, seedToPem } from '@auth4agent/core/keys/ed25519'
import { createDataFolder } from '../embedded-postgres/data-folder.ts'
import { StartupError } from '../platform/errors/startup-error.ts'
import type { Config } from './config.ts'
import { type NamedFile, readNamed } from './named-file.ts'
import { readIfPresent, readOrCreateSecret } from './secret-file.ts'

/** A hardware token and the PIN to log in to it. */
interface Pkcs11Token {
  /** Path of the PKCS #11 module, a library from the maker of the hardware token. */
  readonly module: string
  readonly tokenLabel: string
  readonly pin: string
}

/** Secrets of the signing keys. */
interface KeySecrets {
  /** The KEK that seals new keys, 32 bytes. Undefined in a process that seals nothing. */
  readonly kek: Uint8Array | undefined
  /** KEKs, 32 bytes each, that open keys that are still sealed under them. `kek` may be among them. */
  readonly otherKeks: readonly Uint8Array[]
  /** The text of the file with a private key for the first start. */
  readonly signingKey: string | undefined
  readonly pkcs11: Pkcs11Token | undefined
}

/** Secrets from the configuration. With the embedded database, the first start creates the missing ones. */
export interface Secrets extends KeySecrets {
  /** Raw Ed25519 public key of the administrator. */
  readonly adminKey: Uint8Array | undefined
  /** Path of the administrator's private key, if this server created it. */
  readonly adminKeyFile: string | undefined
}

const KEK = 'a key-encryption key'
const NO_KEYS: KeySecrets = { kek: undefined, otherKeks: [], signingKey: undefined, pkcs11: undefined }

/**
 * Loads the secrets.
 * @throws StartupError when a file is missing or its content is wrong
 */
export async function loadSecrets(config: Config): Promise<Secrets> {
  if (config.databaseUrl === undefined) await createDataFolder(config.dataDir)
  const keys = config.services.includes('authn') ? await loadKeySecrets(config) : NO_KEYS
  if (config.databaseUrl !== undefined || config.adminKey !== undefined) {
    return { ...keys, adminKey: config.adminKey, adminKeyFile: undefined }
  }
  const adminKeyFile = join(config.dataDir, 'admin-key.pem')
  return { ...keys, adminKey: await loadAdminKey(adminKeyFile), adminKeyFile }
}

/** Reads the files of other secrets before it creates the KEK. If one of them is wrong, the start creates no file. */
async function loadKeySecrets(config: Config): Promise<KeySecrets> {
  const { signingKeyFile } = config
  const fromFiles = await Promise.all(
    config.otherKekFiles.map((path) => readKek({ setting: 'AUTH4AGENT_OTHER_KEK_FILES', path, what: KEK })),
  )
  const signingKey =
    signingKeyFile &&
    (await readText({ setting: 'AUTH4AGENT_SIGNING_KEY_FILE', path: signingKeyFile, what: 'the first signing key' }))
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
  const setting = 'AUTH4AGENT_PKCS11_PIN_FILE'
  const pin = (await readText({ setting, path, what: 'the PIN' })).replace(/\r?\n$/, '')
  if (pin === '' || /[\r\n]/.test(pin)) throw new StartupError(`${setting}: ${path} must contain a PIN in one line`)
  return pin
}

async function loadKek({ kekFile, dataDir }: Config): Promise<Uint8Array> {
  if (kekFile !== undefined) return readKek({ setting: 'AUTH4AGENT_KEK_FILE', path: kekFile, what: KEK })
  const path = join(dataDir, 'key-encryption-key')
  return parseKek(path, await readOrCreateKek(path, dataDir))
}

async function readKek(file: NamedFile): Promise<Uint8Array> {
  return parseKek(`${file.setting}: ${file.path}`, await readText(file))
}

async function readText(file: NamedFile): Promise<string> {
  return (await readNamed(file)).toString('utf8')
}

function parseKek(name: string, text: string): Uint8Array {
  const bytes = decodeBase64(text.trim())
  if (bytes?.length !== 32) throw new StartupError(`${name} must contain 32 bytes in base64`)
  return bytes
}

async function readOrCreateKek(path: string, dataDir: string): Promise<string> {
  const hasDatabase = await stat(join(dataDir, 'postgres')).then(Boolean, () => false)
  if (hasDatabase && (await readIfPresent(path)) === undefined) {
    throw new StartupError(
      `${path} is missing, but its key seals the signing keys in the embedded database: restore the file`,
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
    // The error below is clearer than the one of OpenSSL.
  }
  throw new StartupError(`${path} must contain an Ed25519 private key in PEM`)
}
