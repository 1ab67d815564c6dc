import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { KEY_REQUEST_TYPE, type KeyRequest, parseKeyRequest } from '@auth4agent/core/identity/key-request'
import type { OperatorJwk } from '@auth4agent/core/identity/operator-manifest'
import type { OperatorRole } from '@auth4agent/core/identity/operator-roles'
import { signJwt } from '@auth4agent/core/identity/sign-jwt'
import { signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { platformEd25519 } from './keys/platform.ts'
import { verifyP256 } from './keys/verify-p256.ts'
import type { OperatorSigner } from './signer.ts'

export type { KeyRequest } from '@auth4agent/core/identity/key-request'

/** What the holder of a new key asks the holders of the root keys for. */
export interface WantedKey {
  readonly operatorId: string
  /** The server's issuer. */
  readonly issuer: string
  /** The name of the person or program that holds the key: 1 to 64 visible characters. */
  readonly label: string
  /** The wanted roles; none for a root key, which has all of them. */
  readonly roles: readonly OperatorRole[]
  /** Whether the key is to be a root key. */
  readonly isRoot?: boolean | undefined
}

const WANTED_NAMES: Names<WantedKey> = { operatorId: true, issuer: true, label: true, roles: true, isRoot: true }

/**
 * Signs a request for a key with this key. The text contains no secret: send it to a holder of a root key, who adds
 * the key to the manifest. `now` returns Unix milliseconds.
 *
 * Rejects with TypeError for unknown options, and for content that {@link readKeyRequest} would refuse.
 *
 * @example
 *
 * ```ts
 * import { generateP256KeyPair, signerFromP256KeyPair, signKeyRequest } from '@auth4agent/sdk'
 *
 * const key = await signerFromP256KeyPair(await generateP256KeyPair())
 * const issuer = 'https://auth.example.com'
 * console.log(await signKeyRequest(key, { operatorId, issuer, label: 'pipeline', roles: ['agents.register'] }))
 * ```
 */
export async function signKeyRequest(key: OperatorSigner, wanted: WantedKey, now = Date.now): Promise<string> {
  refuseUnknownNames('option', wanted, WANTED_NAMES)
  const { operatorId, issuer, label, roles, isRoot = false } = wanted
  const claims = { iss: operatorId, sub: operatorId, aud: issuer, iat: Math.floor(now() / 1000) }
  const content = { ...claims, jwk: signerJwk(key), label, roles, root: isRoot }
  const text = await signJwt(key, { typ: KEY_REQUEST_TYPE, kid: signerKid(key) }, content)
  await readKeyRequest(text)
  return text
}

/**
 * Reads a request for a key, and verifies that its sender has the key. It does not prove who the sender is: compare
 * `kid` with the sender over another channel.
 *
 * Rejects with TypeError for any other text. The message says what is wrong.
 *
 * @example
 *
 * ```ts
 * import { readKeyRequest } from '@auth4agent/sdk'
 *
 * const { jwk, label, roles, kid } = await readKeyRequest(text)
 * console.log(`Is ${kid} the thumbprint that ${label} reads out?`)
 * ```
 */
export async function readKeyRequest(text: string): Promise<KeyRequest> {
  const parsed = parseKeyRequest(text.trim())
  if (!parsed.ok) throw notRequest(parsed.why)
  const { request, message, signature } = parsed
  if (!(await verify(request.jwk, message, signature))) throw notRequest('its signature must be one of its own key')
  return request
}

async function verify(jwk: OperatorJwk, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const [x, y] = [decodeBase64url(jwk.x), jwk.kty === 'EC' ? decodeBase64url(jwk.y) : undefined]
  if (x === undefined) return false
  if (y !== undefined) return verifyP256(Uint8Array.of(4, ...x, ...y), message, signature)
  return (await platformEd25519()).verify(x, message, signature).catch(() => false)
}

function notRequest(why: string): TypeError {
  return new TypeError(`This is not a request for a key: ${why}`)
}
