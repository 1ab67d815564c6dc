import { Buffer } from 'node:buffer'
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { AgentSigner, P256Signer } from '../signer.ts'
import { configurationError, readText, writeText } from './files.ts'
import { parsePrivateKey } from './private-key.ts'

/** The first byte of an uncompressed point (SEC 1 section 2.3.3). */
const UNCOMPRESSED = 4

/**
 * Reads the file of a key that may authenticate an agent: a key file of Ed25519, or a private key of Ed25519 or P-256
 * in PEM, as OpenSSL writes it. Rejects with CONFIGURATION if the file is missing, if other users may access it, or if
 * it contains no such key.
 *
 * @example
 *
 * ```ts
 * import { createAgent } from '@auth4agent/sdk'
 * import { readSigningKeyFile } from '@auth4agent/sdk/node'
 *
 * const agent = createAgent({ server, did, key: await readSigningKeyFile('laptop.pem') })
 * ```
 */
export async function readSigningKeyFile(path: string): Promise<AgentSigner> {
  const text = await readText(path, { secret: true })
  if (text === undefined) throw configurationError(`There is no key file at ${path}`)
  const p256 = parseP256(text)
  if (p256 !== undefined) return p256
  const key = parsePrivateKey(text)
  if (!key.ok) throw configurationError(`${path} contains no private key of Ed25519 or P-256: ${key.why}`)
  return key.signer
}

/**
 * Generates a key of P-256 and writes it to a new file in PEM (PKCS #8), with mode 0600. Rejects with CONFIGURATION if
 * the file exists already or cannot be written.
 *
 * @example
 *
 * ```ts
 * import { createP256KeyFile } from '@auth4agent/sdk/node'
 *
 * const key = await createP256KeyFile('laptop.pem')
 * await agent.addKey({ key, label: 'laptop', expires: '90d' })
 * ```
 */
export async function createP256KeyFile(path: string): Promise<P256Signer> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await writeText(path, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), { exclusive: true })
  return signerOf(privateKey)
}

function parseP256(text: string): P256Signer | undefined {
  if (!text.trim().startsWith('-----BEGIN')) return undefined
  try {
    const key = createPrivateKey(text)
    const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    return isP256 ? signerOf(key) : undefined
  } catch {
    // The message of this error could quote the text.
    return undefined
  }
}

function signerOf(key: KeyObject): P256Signer {
  const { x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' })
  const point = [Buffer.of(UNCOMPRESSED), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]
  return {
    alg: 'ES256',
    publicKey: Uint8Array.from(Buffer.concat(point)),
    sign: async (message) => Uint8Array.from(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })),
  }
}
