import { readProofKey } from '@auth4agent/core/dpop/proof-key'
import { isJti } from '@auth4agent/core/token/claims'
import {
  type SignatureParameters,
  type UntrustedSignatureCandidate,
  type Verifier,
  verifySignature,
} from 'http-message-sig'
import { serializeDictionary } from 'structured-headers'
import type { OperatorKey } from '../operator-keys.ts'
import type { RequestBody } from '../request-body.ts'
import { checkContentDigest } from './content-digest.ts'
import { type FoundSignature, SIGNATURE_TAG } from './find-signature.ts'
import { demand, toRefusal } from './refuse-signature.ts'
import type { SignableRequest } from './signable-request.ts'

/** How old a signature may be, in seconds. */
const MAX_SIGNATURE_AGE_S = 300

/** Components that a signature must cover, without parameters. */
const REQUIRED = ['@method', '@target-uri', 'content-digest'] as const
const MAX_COMPONENTS = 32
/** The checks of the library. It checks no times: `checkParameters` does, and its refusals say what would be right. */
const POLICY = {
  algorithms: ['ed25519', 'ecdsa-p256-sha256'],
  requiredComponents: [],
  requiredParameters: [],
  now: 0,
  clockSkew: Number.MAX_SAFE_INTEGER,
}

/** What a signature must match. */
export interface SignatureRules {
  /** Unix seconds. */
  readonly nowS: number
  readonly skewS: number
  readonly body: RequestBody | undefined
  /** Finds a key that may sign requests for the operator. Throws ApiError. */
  readonly findKey: (keyid: string) => Promise<OperatorKey>
}

/** A signature that matches its request. */
export interface VerifiedRequest {
  readonly key: OperatorKey
  /** The single-use id of the request. */
  readonly nonce: string
  /** Unix seconds. */
  readonly expiresAt: number
  /** The signature base, Signature-Input and Signature, each with this signature only. */
  readonly signatures: readonly string[]
}

/**
 * Verifies the HTTP message signature of a request (RFC 9421 section 3.2) and the digest of its body.
 * @throws ApiError INVALID_REQUEST_SIGNATURE, BODY_DIGEST_MISMATCH, and the errors of `findKey`
 */
export async function verifyRequest(
  request: SignableRequest,
  { label, input }: FoundSignature,
  rules: SignatureRules,
): Promise<VerifiedRequest> {
  demand(input[0].length <= MAX_COMPONENTS, `The signature must cover at most ${MAX_COMPONENTS} components`)
  const message = { kind: 'request', method: request.method, targetUri: request.url, fields: request.fields } as const
  const resolveVerifier = async (candidate: UntrustedSignatureCandidate) => {
    checkCovered(candidate)
    const parameters = checkParameters(candidate.parameters, rules)
    return verifierOf(await rules.findKey(parameters.keyid), parameters)
  }
  const { verifier, signature } = await verifySignature(message, { label, policy: POLICY, resolveVerifier }).catch(
    (error: unknown) => {
      throw toRefusal(error)
    },
  )
  checkContentDigest(request, rules.body)
  const { key, nonce, created, base } = verifier
  const sent = Uint8Array.from(signature).buffer
  return {
    key,
    nonce,
    expiresAt: created + MAX_SIGNATURE_AGE_S,
    signatures: [
      base(),
      serializeDictionary(new Map([[label, input]])),
      serializeDictionary(new Map([[label, [sent, new Map()] as const]])),
    ],
  }
}

function checkCovered({ components }: UntrustedSignatureCandidate): void {
  for (const required of REQUIRED) {
    const isCovered = components.some(
      ({ name, parameters }) => name === required && Object.keys(parameters).length === 0,
    )
    demand(isCovered, `The signature must cover ${REQUIRED.join(', ')}, and it does not cover ${required}`)
  }
}

/** The parameters of a signature that are needed. */
interface Parameters {
  readonly keyid: string
  readonly nonce: string
  readonly created: number
}

function checkParameters(given: SignatureParameters, { nowS, skewS }: SignatureRules): Parameters {
  const { created, expires, nonce, keyid, tag } = given
  demand(tag === SIGNATURE_TAG, `tag must be "${SIGNATURE_TAG}"`)
  demand(created !== undefined, 'The signature must have the parameter created, in Unix seconds')
  demand(created <= nowS + skewS, 'created must not be in the future')
  demand(nowS <= created + MAX_SIGNATURE_AGE_S + skewS, `created must be at most ${MAX_SIGNATURE_AGE_S} seconds ago`)
  demand(expires === undefined || nowS < expires + skewS, 'The signature has expired: expires must be in the future')
  demand(nonce !== undefined && isJti(nonce), 'nonce must be 1 to 64 visible ASCII characters')
  demand(keyid !== undefined, 'The signature must have the parameter keyid: the thumbprint of a key of the operator')
  return { keyid, nonce, created }
}

/** A verifier of the library that remembers the signature base. */
interface KeyVerifier extends Verifier, Parameters {
  readonly key: OperatorKey
  /** Returns the signature base. May be called after the verification. */
  readonly base: () => string
}

function verifierOf(key: OperatorKey, parameters: Parameters): KeyVerifier {
  const isEc = key.jwk.kty === 'EC'
  const publicKey = readProofKey(isEc ? 'ES256' : 'EdDSA', { ...key.jwk })
  let signed: Uint8Array = new Uint8Array()
  return {
    ...parameters,
    key,
    algorithm: isEc ? 'ecdsa-p256-sha256' : 'ed25519',
    verify(base, signature) {
      signed = base
      return publicKey?.verify(base, signature) === true
    },
    base: () => Buffer.from(signed).toString(),
  }
}
