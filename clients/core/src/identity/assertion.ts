import { encodeBase64url } from '../encoding/base64.ts'
import { encodeUtf8 } from '../encoding/utf8.ts'
import { thumbprint } from '../jose/thumbprint.ts'

/** `typ` of the JWT by which an operator authenticates a call. */
export const OPERATOR_ASSERTION_TYPE = 'auth4agent-operator+jwt'
/** `typ` of the JWT by which the deployment's administrator authenticates a call. */
export const ADMIN_ASSERTION_TYPE = 'auth4agent-admin+jwt'
/** `iss` and `sub` of the administrator's assertions. */
export const ADMIN_ISSUER = 'admin'
/** Longest life of an assertion, in seconds. */
export const MAX_ASSERTION_LIFETIME_S = 300

/** What signs an assertion: the key of an operator or of the administrator, or whatever reaches it. */
export interface AssertionSigner {
  /** The raw public half, 32 bytes. */
  readonly publicKey: Uint8Array
  /** Signs with pure Ed25519 (RFC 8032 section 5.1.6); resolves with 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** What an assertion says. */
export interface AssertionContent {
  /** Who calls: an operator's id, or {@link ADMIN_ISSUER}. */
  readonly party: string
  /** The server's issuer, byte for byte. */
  readonly issuer: string
  /** The caller's clock, in Unix seconds. */
  readonly nowS: number
  /** The one call it is for: `METHOD /path` without the query, or `package.Service/Method`. Needed for whatever changes something. */
  readonly rpc?: string | undefined
  /** Seconds from `nowS` to its expiry; 60 unless told. */
  readonly lifetimeS?: number | undefined
}

/** Seconds that `iat` lies back: so much may the caller's clock be ahead, beyond the skew that the server allows. */
const CLOCK_ALLOWANCE_S = 30
const LIFETIME_S = 60
const JTI_BYTES = 16
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/**
 * Signs the JWT that authenticates one call, with a `jti` of its own: the server takes it once. It runs wherever WebCrypto does.
 * Rejects with RangeError for a lifetime that no server takes, a key of other than 32 bytes or a signature of other than 64.
 */
export async function signAssertion(signer: AssertionSigner, content: AssertionContent): Promise<string> {
  const { party, issuer, nowS, rpc, lifetimeS = LIFETIME_S } = content
  if (!Number.isInteger(lifetimeS) || lifetimeS < 1 || lifetimeS > MAX_ASSERTION_LIFETIME_S - CLOCK_ALLOWANCE_S) {
    throw new RangeError(`an assertion lives 1 to ${MAX_ASSERTION_LIFETIME_S - CLOCK_ALLOWANCE_S} seconds`)
  }
  if (signer.publicKey.length !== KEY_BYTES) throw new RangeError(`an Ed25519 public key has ${KEY_BYTES} bytes`)
  const typ = party === ADMIN_ISSUER ? ADMIN_ASSERTION_TYPE : OPERATOR_ASSERTION_TYPE
  const iat = Math.floor(nowS) - CLOCK_ALLOWANCE_S
  const exp = Math.floor(nowS) + lifetimeS
  const jti = encodeBase64url(crypto.getRandomValues(new Uint8Array(JTI_BYTES)))
  const header = { alg: 'EdDSA', typ, kid: thumbprint(signer.publicKey) }
  const claims = { iss: party, sub: party, aud: issuer, iat, exp, jti, rpc }
  const signingInput = `${encodeJson(header)}.${encodeJson(claims)}`
  const signature = await signer.sign(encodeUtf8(signingInput))
  if (signature.length !== SIGNATURE_BYTES) throw new RangeError(`an Ed25519 signature has ${SIGNATURE_BYTES} bytes`)
  return `${signingInput}.${encodeBase64url(signature)}`
}

function encodeJson(value: object): string {
  return encodeBase64url(encodeUtf8(JSON.stringify(value)))
}
