import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { type SigningKey, sign } from '@auth4agent/core/keys/ed25519'

/** Creates a JWS in compact serialisation (RFC 7515 section 7.1). Header and payload may be invalid. */
export function signCompactJws(header: object, payload: object, key: SigningKey): string {
  const signingInput = `${encodePart(header)}.${encodePart(payload)}`
  return `${signingInput}.${encodeBase64url(sign(key, Buffer.from(signingInput, 'latin1')))}`
}

function encodePart(value: object): string {
  return encodeBase64url(Buffer.from(JSON.stringify(value)))
}
