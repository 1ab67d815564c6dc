import type { Signer } from '../signer.ts'
import { configurationError, readText, writeText } from './files.ts'
import { generatePrivateKey, parsePrivateKey } from './private-key.ts'

/**
 * The signer of a key file: base64 of seed and public half, or PEM as OpenSSL writes it. Rejects with CONFIGURATION for one that is
 * missing, that others may read, or that is no such key.
 */
export async function readKeyFile(path: string): Promise<Signer> {
  const text = await readText(path, { secret: true })
  if (text === undefined) throw configurationError(`there is no key at ${path}`)
  const key = parsePrivateKey(text)
  if (!key.ok) throw configurationError(`${path} is no private key: ${key.why}`)
  return key.signer
}

/** Makes a new key in a file that must not exist yet, with mode 0600. Rejects with CONFIGURATION. */
export async function createKeyFile(path: string): Promise<Signer> {
  const { signer, text } = generatePrivateKey()
  await writeText(path, text, { exclusive: true })
  return signer
}
