import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { isKeyLabel } from '@auth4agent/core/identity/key-label'
import type { OperatorJwk } from '@auth4agent/core/identity/operator-manifest'
import { isOperatorRole, OPERATOR_ROLES, type OperatorRole } from '@auth4agent/core/identity/operator-roles'
import { signJwt } from '@auth4agent/core/identity/sign-jwt'
import { parseCompactJws } from '@auth4agent/core/jose/jws'
import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'
import { jwkThumbprint, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { platformEd25519 } from './keys/platform.ts'
import { verifyP256 } from './keys/verify-p256.ts'
import type { OperatorSigner } from './signer.ts'

/** `typ` of a request for a key. */
const TYPE = 'auth4agent-key-request+jwt'
const RULES = { maxBytes: 8_192, algs: ['EdDSA', 'ES256'], typs: [TYPE] } as const

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

/** A request for a key, as {@link readKeyRequest} returns it. */
export interface KeyRequest extends WantedKey {
  readonly isRoot: boolean
  /** The public key. */
  readonly jwk: OperatorJwk
  /** RFC 7638 thumbprint of the key. Two people compare it over the phone. */
  readonly kid: string
  /** When the request was signed, in Unix seconds. */
  readonly iat: number
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
  const text = await signJwt(key, { typ: TYPE, kid: signerKid(key) }, content)
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
  const jws = parseCompactJws(text.trim(), RULES)
  if (!jws.ok) throw notRequest('it must be a JWS with the type auth4agent-key-request+jwt')
  const { iss, sub, aud, iat, jwk: given, label, roles, root: isRoot } = jws.payload
  const jwk = readPublicJwk(given)
  if (jwk === undefined || jwk.kty === 'RSA') throw notRequest('jwk must be a public key of Ed25519 or P-256')
  const kid = jwkThumbprint(jwk)
  const isSigned = kid === jws.header.kid && (await verify(jwk, jws.signingInput, jws.signature))
  if (!isSigned) throw notRequest('its signature must be one of its own key')
  if (typeof iss !== 'string' || !isUuid(iss) || sub !== iss) throw notRequest('iss and sub must be an operator id')
  if (typeof aud !== 'string' || aud === '') throw notRequest('aud must be the issuer of a server')
  if (!isUnixSeconds(iat)) throw notRequest('iat must be whole Unix seconds')
  if (typeof label !== 'string' || !isKeyLabel(label)) throw notRequest('label must be 1 to 64 visible characters')
  if (typeof isRoot !== 'boolean') throw notRequest('root must be true or false')
  if (isRoot && jwk.kty !== 'OKP') throw notRequest('a root key must be of Ed25519')
  return { operatorId: iss, issuer: aud, iat, jwk, kid, label, roles: readRoles(roles, isRoot), isRoot }
}

function readRoles(roles: unknown, isRoot: boolean): readonly OperatorRole[] {
  const isNeeded = Array.isArray(roles) && roles.length > 0 !== isRoot && new Set(roles).size === roles.length
  if (isNeeded && roles.every(isOperatorRole)) return roles
  throw notRequest(
    isRoot ? 'a root key has all roles and names none' : `roles must name some of ${OPERATOR_ROLES.join(', ')}`,
  )
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
