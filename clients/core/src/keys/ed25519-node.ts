import {
  createPrivateKey,
  createPublicKey,
  sign as cryptoSign,
  verify as cryptoVerify,
  type KeyObject,
} from 'node:crypto'
import { encodeBase64url } from '../encoding/base64.ts'
import { keepNewest } from '../platform/keep-newest.ts'
import type { Ed25519Engine, VerifyingKey } from './ed25519-engine.ts'

const KEY_BYTES = 32
const CACHED_KEYS = 10_000
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * Ed25519 by node:crypto (OpenSSL), which every Node has.
 *
 * @example
 * ```ts
 * import { nodeEngine } from '@auth4agent/core/keys/ed25519-node'
 *
 * const signature = nodeEngine.importSeed(seed).sign(message)
 * ```
 */
export const nodeEngine: Ed25519Engine = {
  name: 'node:crypto',
  importPublicKey: createPublicKeyImporter(CACHED_KEYS),
  importSeed(seed) {
    const key = seedToKeyObject(seed)
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
    return {
      publicKey: Uint8Array.from(spki.subarray(-KEY_BYTES)),
      sign: (message) => cryptoSign(null, message, key),
    }
  },
}

/**
 * Makes an importer with its own cache of at most `capacity` keys. A full cache drops the least recently used key.
 * An import costs as much as a signature; a cache hit costs almost nothing.
 *
 * @example
 * ```ts
 * import { createPublicKeyImporter } from '@auth4agent/core/keys/ed25519-node'
 *
 * const importPublicKey = createPublicKeyImporter(1_000)
 * const isValid = importPublicKey(rawKey).verify(message, signature)
 * ```
 */
export function createPublicKeyImporter(capacity: number): Ed25519Engine['importPublicKey'] {
  const cache = new Map<string, VerifyingKey>()
  return (raw) => {
    const x = encodeBase64url(raw)
    const key = cache.get(x) ?? importJwk(x)
    keepNewest(cache, x, key, capacity)
    return key
  }
}

function importJwk(x: string): VerifyingKey {
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return { verify: (message, signature) => cryptoVerify(null, message, key, signature) }
}

/**
 * Writes a 32-byte secret seed as PKCS #8 in PEM (RFC 8410 section 7), as `openssl genpkey` does.
 *
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises'
 * import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
 * import { seedToPem } from '@auth4agent/core/keys/ed25519-node'
 *
 * await writeFile('agent.pem', seedToPem(generateKeyPair().seed), { mode: 0o600 })
 * ```
 */
export function seedToPem(seed: Uint8Array): string {
  return String(seedToKeyObject(seed).export({ type: 'pkcs8', format: 'pem' }))
}

function seedToKeyObject(seed: Uint8Array): KeyObject {
  const der = Buffer.concat([PKCS8_PREFIX, seed])
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } finally {
    der.fill(0)
  }
}
