import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { KeyPair } from '@auth4agent/core/keys/ed25519'
import { ISSUER, type Signer } from '../../support/assertions.ts'
import { signCompactJws } from '../../support/jws.ts'

const now = () => Math.floor(Date.now() / 1000)

/** Signs a manifest with the root key of an operator. By default, it is the first one and lists only this key. */
export function manifestOf({ pair, iss }: Signer, edits: object = {}, header: object = {}): string {
  const root = { threshold: 1, keys: [rootOf(pair)] }
  const claims = { iss, sub: iss, aud: ISSUER, seq: 1, iat: now(), root, keys: [], ...edits }
  const typ = 'auth4agent-operator-keys+jwt'
  return signCompactJws({ alg: 'EdDSA', typ, kid: thumbprint(pair.publicKey), ...header }, claims, pair.privateKey)
}

/** Returns a root key as a manifest lists it. */
export function rootOf({ publicKey }: Pick<KeyPair, 'publicKey'>) {
  return { jwk: jwkOf(publicKey), label: `root ${thumbprint(publicKey)}` }
}

/** Returns an operational key as a manifest lists it; by default with the role `trust`. */
export function memberOf({ publicKey }: Pick<KeyPair, 'publicKey'>, label = 'guest', role = 'trust') {
  const times = { nbf: now() - 60, exp: now() + 86_400 }
  return { kid: thumbprint(publicKey), jwk: jwkOf(publicKey), label, roles: [role], ...times }
}

function jwkOf(publicKey: Uint8Array) {
  return { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) }
}
