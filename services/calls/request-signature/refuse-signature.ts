import { isSignatureError, type SignatureErrorCode } from 'http-message-sig'
import { ApiError } from '../../platform/errors/api-error.ts'

/** What is wrong with a signature that the library refuses, by the code of its error. */
const SENTENCES: Readonly<Partial<Record<SignatureErrorCode, string>>> = {
  MissingField: 'The signature must cover only headers that the request has',
  MalformedField: 'Signature-Input, Signature and the covered headers must have the form of RFC 9421, in ASCII',
  LabelMismatch: 'Signature-Input and Signature must have the same labels',
  DuplicateLabel: 'Signature-Input and Signature must have each label once',
  InvalidComponent: 'The signature must cover only components that a request has',
  DuplicateComponent: 'The signature must cover each component once',
  UnsupportedFeature: 'The signature must not use @query-param, @request-target or the parameters sf, bs, tr and req',
  AlgorithmMismatch: 'alg must be absent, or the algorithm of the key: ed25519 or ecdsa-p256-sha256',
  PolicyViolation: 'alg must be absent, or the algorithm of the key: ed25519 or ecdsa-p256-sha256',
  VerificationFailed: 'The signature does not match the request: check @method, @target-uri and the covered headers',
}

/** Makes the refusal of a message signature. */
export function refusedSignature(detail: string, cause?: unknown): ApiError {
  return new ApiError('INVALID_REQUEST_SIGNATURE', detail, { cause })
}

/** Throws INVALID_REQUEST_SIGNATURE unless the condition holds. */
export function demand(isRight: boolean, detail: string): asserts isRight {
  if (!isRight) throw refusedSignature(detail)
}

/** Converts an error of the library. An ApiError that one of our functions has thrown inside the library stays. */
export function toRefusal(error: unknown): unknown {
  if (!isSignatureError(error)) return error
  if (error.cause instanceof ApiError) return error.cause
  const sentence = SENTENCES[error.code]
  return sentence === undefined ? (error.cause ?? error) : refusedSignature(sentence, error)
}
