import { ADMIN_ASSERTION_TYPE, ADMIN_ISSUER, OPERATOR_ASSERTION_TYPE } from '@auth4agent/core/identity/assertion'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair, type KeyPair } from '@auth4agent/core/keys/ed25519'
import { signCompactJws } from './jws.ts'

/** The audience of assertions in tests. */
export const ISSUER = 'http://localhost:8080'
/** The current time in tests, in Unix seconds. */
export const NOW_S = 1_800_000_000

/** Members that replace the good ones in an assertion. A member that is undefined is left out. */
export interface AssertionEdits {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
}

/** A party that signs assertions. */
export interface Signer {
  readonly pair: KeyPair
  readonly iss: string
  readonly typ: string
}

let count = 0

/** Creates an operator with a fresh key. */
export function operatorSigner(id: string): Signer {
  return { pair: generateKeyPair(), iss: id, typ: OPERATOR_ASSERTION_TYPE }
}

/** Creates the administrator with a fresh key. */
export function adminSigner(): Signer {
  return { pair: generateKeyPair(), iss: ADMIN_ISSUER, typ: ADMIN_ASSERTION_TYPE }
}

/** Returns an Authorization header with an assertion that is valid for a minute from NOW_S, changed by `edits`. */
export function bearer({ pair, iss, typ }: Signer, edits: AssertionEdits = {}): string {
  const header = { alg: 'EdDSA', typ, kid: thumbprint(pair.publicKey), ...edits.header }
  count += 1
  const good = { iss, sub: iss, aud: ISSUER, iat: NOW_S, exp: NOW_S + 60, jti: `jti-${count}` }
  return `Bearer ${signCompactJws(header, { ...good, ...edits.claims }, pair.privateKey)}`
}
