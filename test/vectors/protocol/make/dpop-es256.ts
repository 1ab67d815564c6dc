import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { withOtherS } from '../../../support/ecdsa-signatures.ts'
import {
  API_REQUEST_EXAMPLE,
  EXAMPLE_JKT,
  type ProofExample,
  TOKEN_REQUEST_EXAMPLE,
} from '../../../support/rfc-9449.ts'
import { INVALID, type ProofCase, read } from './dpop-case.ts'

function ofExample(name: string, { proof, jti, request }: ProofExample, isAccepted: boolean): ProofCase {
  const { method, url, nowS, accessToken = null } = request
  return {
    name,
    request: { method, url, now: nowS, access_token: accessToken },
    proof,
    expect: isAccepted ? read({ jkt: EXAMPLE_JKT, jti, iat: nowS }) : INVALID,
  }
}

function resigned(example: ProofExample, change: (signature: Uint8Array) => Uint8Array): ProofExample {
  const at = example.proof.lastIndexOf('.') + 1
  const signature = Buffer.from(example.proof.slice(at), 'base64url')
  return { ...example, proof: example.proof.slice(0, at) + encodeBase64url(change(signature)) }
}

/** Makes the proofs of RFC 9449, whose signatures are fixed, and proofs with another signature. */
export function es256Cases(): ProofCase[] {
  const example = TOKEN_REQUEST_EXAMPLE
  const signature = Buffer.from(API_REQUEST_EXAMPLE.proof.split('.')[2] ?? '', 'base64url')
  return [
    ofExample('ES256: RFC 9449 section 4.1, with the higher of the two values of S', example, true),
    ofExample('ES256: RFC 9449 section 7.1, with an access token', API_REQUEST_EXAMPLE, true),
    ofExample('ES256: the lower of the two values of S', resigned(example, withOtherS), true),
    ofExample(
      'ES256: 64 bytes of zero',
      resigned(example, () => Buffer.alloc(64)),
      false,
    ),
    ofExample(
      'ES256: one byte too few',
      resigned(example, (bytes) => bytes.subarray(0, 63)),
      false,
    ),
    ofExample(
      'ES256: the signature of another proof',
      resigned(example, () => signature),
      false,
    ),
  ]
}
