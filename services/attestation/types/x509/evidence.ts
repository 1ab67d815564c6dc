import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { encodeUtf8 } from '@auth4agent/core/encoding/utf8'
import { type EvidenceAlgorithm, importEvidenceKey, type VerifySignature } from '../../../platform/jwt/algorithms.ts'
import { type AppraisalContext, RefusedEvidence } from '../attestor-type.ts'
import { type Certificate, readCertificate } from './path/certificate.ts'
import { CertificateError } from './path/certificate-error.ts'
import { decodeCanonical } from './path/read-pinned.ts'
import { type PathRules, type ValidPath, validatePath } from './path/validate-path.ts'

const MEMBERS: ReadonlySet<string> = new Set(['chain', 'signature', 'alg'])
const MAX_CHAIN = 8
/** The algorithms by which the key of a leaf signs, by the kind of key. */
const ALGORITHMS: Readonly<Record<Certificate['publicKey']['kind'], readonly EvidenceAlgorithm[]>> = {
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  RSA: ['PS256', 'RS256'],
  Ed25519: ['EdDSA'],
}

/**
 * Appraises evidence that is a chain of certificates and a signature by the leaf's key: validates the path, and then
 * the signature over the nonce and the agent's key.
 *
 * @throws RefusedEvidence
 */
export function appraiseChain(
  evidence: Uint8Array,
  rules: Omit<PathRules, 'now' | 'skewMs'>,
  { binding, now, skewMs }: AppraisalContext,
): ValidPath {
  if (binding.nonce === undefined) throw new RefusedEvidence('The evidence must answer a nonce, and there is none')
  const { chain, signature, alg } = readEvidence(evidence)
  const path = refusing(() => validatePath(chain.map(readOne), { ...rules, now, skewMs }))
  const { leaf } = path
  if (leaf.keyUsage?.has('digitalSignature') !== true) {
    throw new RefusedEvidence('The leaf must have the key usage digitalSignature')
  }
  const message = encodeUtf8(`auth4agents-x509:${binding.nonce.text}:${binding.thumbprint}`)
  if (!verifierOf(leaf, alg)(message, signature)) {
    throw new RefusedEvidence('The signature must be by the key of the leaf over the nonce and the key of the agent')
  }
  return path
}

interface Evidence {
  readonly chain: readonly Uint8Array[]
  readonly signature: Uint8Array
  readonly alg: unknown
}

function readEvidence(evidence: Uint8Array): Evidence {
  const json = parseStrictJson(evidence)
  if (!json.ok) throw new RefusedEvidence(`The evidence must be a strict JSON object (${json.why})`)
  const { chain, signature, alg } = json.value
  if (Object.keys(json.value).some((name) => !MEMBERS.has(name))) {
    throw new RefusedEvidence(`The evidence must have only the members ${[...MEMBERS].join(', ')}`)
  }
  const list: readonly unknown[] = Array.isArray(chain) ? chain : []
  const ders = list.flatMap((each) => decode(each) ?? [])
  if (ders.length !== list.length || list.length < 1 || list.length > MAX_CHAIN) {
    throw new RefusedEvidence(`The chain must be a list of 1 to ${MAX_CHAIN} certificates: DER as padded base64`)
  }
  const signed = decode(signature)
  if (signed === undefined) throw new RefusedEvidence('The signature must be padded base64')
  return { chain: ders, signature: signed, alg }
}

function decode(value: unknown): Uint8Array | undefined {
  return typeof value === 'string' ? decodeCanonical(value) : undefined
}

function readOne(der: Uint8Array, at: number): Certificate {
  try {
    return readCertificate(der)
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error
    throw new RefusedEvidence(`Certificate ${at + 1} of the chain ${error.message}`)
  }
}

function verifierOf({ publicKey: { key, kind } }: Certificate, alg: unknown): VerifySignature {
  const known = ALGORITHMS[kind].find((each) => each === alg)
  if (known === undefined)
    throw new RefusedEvidence(`The alg must be that of the leaf's key: ${ALGORITHMS[kind].join(' or ')}`)
  const verify = importEvidenceKey(known, { ...key.export({ format: 'jwk' }) })
  if (verify === undefined) throw new RefusedEvidence('The leaf must have a key that signs evidence')
  return verify
}

/** Turns what is wrong with a path into a refusal of the evidence. */
function refusing<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    throw error instanceof CertificateError ? new RefusedEvidence(error.message) : error
  }
}
