import { createHash, generateKeyPairSync, type KeyObject, randomBytes, randomUUID, sign } from 'node:crypto'
import { OPERATOR_ASSERTION_TYPE } from '@auth4agent/core/identity/assertion'
import type { OperatorJwk, PasskeyBinding } from '@auth4agent/core/identity/operator-manifest'
import { jwkThumbprint, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import type { PasskeyProof } from '@auth4agent/core/webauthn/passkey-proof'
import { finishPasskeyJws, startPasskeyJws } from '../../clients/sdk/src/passkey-jws.ts'
import type { SignedFor } from './operator-team.ts'

/** Flags of authenticator data. */
export const [UP, UV, BE, BS, AT] = [0x01, 0x04, 0x08, 0x10, 0x40]

/** What an authenticator or browser does otherwise than usual. */
export interface ProofEdits {
  readonly rpId?: string
  readonly flags?: number
  /** Bytes after the usual 37 of the authenticator data. */
  readonly more?: Uint8Array
  /** Cuts the authenticator data. */
  readonly length?: number
  /** Members of the client data that replace the usual ones. A member that is undefined is left out. */
  readonly client?: Readonly<Record<string, unknown>>
  /** The bytes of the client data, in place of its JSON. */
  readonly clientBytes?: Uint8Array
  /** What is signed, in place of the usual bytes. */
  readonly signed?: Uint8Array
  readonly change?: (proof: PasskeyProof) => PasskeyProof
}

/** A passkey in software, with the browser in front of it. */
export interface SoftPasskey {
  readonly jwk: OperatorJwk
  readonly kid: string
  readonly spki: Uint8Array
  readonly credentialId: string
  readonly webauthn: PasskeyBinding
  readonly privateKey: KeyObject
  /** Signs the text `header.payload`. */
  prove(signingInput: string, edits?: ProofEdits): PasskeyProof
  /** Signs a JWS of a type. */
  signJws(typ: string, claims: object, edits?: ProofEdits): string
}

/** Creates a passkey for the server with this issuer. */
export function softPasskey(issuer: string, kind: 'p256' | 'ed25519' = 'p256'): SoftPasskey {
  const pair = kind === 'p256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
  const { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject } = pair
  const jwk = readPublicJwk(publicKey.export({ format: 'jwk' }))
  if (jwk === undefined || jwk.kty === 'RSA') throw new TypeError('Node must make a key of P-256 or Ed25519')
  const [kid, { hostname, origin }] = [jwkThumbprint(jwk), new URL(issuer)]
  const credentialId = randomBytes(32).toString('base64url')
  const signBytes = (bytes: Uint8Array) => sign(kind === 'p256' ? 'sha256' : null, bytes, privateKey)
  const prove: SoftPasskey['prove'] = (signingInput, edits = {}) => {
    const { rpId = hostname, flags = UP | UV, more = new Uint8Array(), length, client = {}, change } = edits
    const counter = Buffer.alloc(4)
    const authenticatorData = Buffer.concat([digest(rpId), Buffer.of(flags), counter, more]).subarray(0, length)
    const usual = {
      type: 'webauthn.get',
      challenge: digest(signingInput).toString('base64url'),
      origin,
      crossOrigin: false,
    }
    const clientDataJson = edits.clientBytes ?? Buffer.from(JSON.stringify({ ...usual, ...client }))
    const signature = signBytes(edits.signed ?? Buffer.concat([authenticatorData, digest(clientDataJson)]))
    const proof = { authenticatorData, clientDataJson, signature }
    return change === undefined ? proof : change(proof)
  }
  return {
    jwk,
    kid,
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    credentialId,
    webauthn: { rpId: hostname, credentialId },
    privateKey,
    prove,
    signJws(typ, claims, edits) {
      const { signingInput } = startPasskeyJws({ typ, kid, claims })
      return finishPasskeyJws(signingInput, prove(signingInput, edits))
    },
  }
}

/** Returns an Authorization header with an assertion of a passkey, which covers the body. */
export function assertByPasskey(
  passkey: SoftPasskey,
  { operatorId, issuer, nowS, rpc, body }: SignedFor,
  claims: Readonly<Record<string, unknown>>,
  edits?: ProofEdits,
): string {
  const usual = { iss: operatorId, sub: operatorId, aud: issuer, iat: nowS, exp: nowS + 60, jti: randomUUID(), rpc }
  const all = { ...usual, body: digest(body).toString('base64url'), ...claims }
  return `Bearer ${passkey.signJws(OPERATOR_ASSERTION_TYPE, all, edits)}`
}

function digest(data: Uint8Array | string): Buffer {
  return createHash('sha256').update(data).digest()
}
