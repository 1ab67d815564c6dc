import type { SeedSigner } from '../keys/signers.ts'
import { configurationError, readText, writeText } from './files.ts'
import { generatePrivateKey, parsePrivateKey } from './private-key.ts'

/**
 * Reads a key file: base64 of seed and public half, or PEM as OpenSSL writes it. Rejects with CONFIGURATION if the
 * file is missing, if other users may access it, or if it contains no Ed25519 private key.
 *
 * @example
 *
 * ```ts
 * import { readKeyFile } from '@auth4agent/sdk/node'
 *
 * const key = await readKeyFile('/etc/auth4agent/root.key')
 * const operator = createOperator({ server: 'https://auth.example.com', domain: 'acme.example', key })
 * ```
 */
export async function readKeyFile(path: string): Promise<SeedSigner> {
  const text = await readText(path, { secret: true })
  if (text === undefined) throw configurationError(`There is no key file at ${path}`)
  const key = parsePrivateKey(text)
  if (!key.ok) throw configurationError(`${path} contains no private key: ${key.why}`)
  return key.signer
}

/**
 * Generates a key and writes it to a new file with mode 0600. Rejects with CONFIGURATION if the file exists already or
 * cannot be written.
 *
 * @example
 *
 * ```ts
 * import { createKeyFile } from '@auth4agent/sdk/node'
 *
 * const { publicKey } = await createKeyFile('agent.key')
 * ```
 */
export async function createKeyFile(path: string): Promise<SeedSigner> {
  const { signer, text } = generatePrivateKey()
  await writeText(path, text, { exclusive: true })
  return signer
}
