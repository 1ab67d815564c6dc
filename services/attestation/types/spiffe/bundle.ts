import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import {
  EVIDENCE_ALGORITHMS,
  type EvidenceAlgorithm,
  fits,
  importEvidenceKey,
  type VerifySignature,
} from '../../../platform/jwt/algorithms.ts'
import { publicMembers } from '../../../platform/jwt/keys.ts'
import { type Certificate, readCertificate } from '../x509/path/certificate.ts'
import { CertificateError } from '../x509/path/certificate-error.ts'
import { decodeCanonical } from '../x509/path/read-pinned.ts'

/** Algorithms of JWT-SVIDs (JWT-SVID section 2.1): RSA and ECDSA. */
export const SVID_ALGORITHMS: readonly EvidenceAlgorithm[] = EVIDENCE_ALGORITHMS.filter((alg) =>
  /^(RS|PS|ES)/.test(alg),
)

/** A key for JWT-SVIDs. Bundles do not say its algorithm, so it serves each one that fits its type. */
interface SvidKey {
  readonly verifiers: ReadonlyMap<string, VerifySignature>
}

/** The keys of a trust domain (SPIFFE Trust Domain and Bundle, section 4). */
export interface Bundle {
  /** The CA certificates for X509-SVIDs. */
  readonly roots: readonly Certificate[]
  /** The keys for JWT-SVIDs, by their `kid`. */
  readonly jwtKeys: ReadonlyMap<string, SvidKey>
  readonly sequence: number | undefined
  /** In seconds. */
  readonly refreshHint: number | undefined
}

/** Thrown when a bundle is refused. The message says what would be right, and continues "The bundle" or its name. */
export class BundleError extends Error {
  override readonly name = 'BundleError'
}

const MAX_KEYS = 64
const KID = /^[\x21-\x7e]{1,128}$/
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * Reads a bundle: a JWK Set whose keys have the use `x509-svid` or `jwt-svid`. Other keys are skipped, as the standard
 * demands. A key of these uses that is malformed refuses the whole bundle. A bundle without keys is valid: its trust
 * domain has revoked everything.
 *
 * @throws BundleError
 */
export function readBundle(json: JsonObject): Bundle {
  const { keys } = json
  const entries: readonly unknown[] | undefined = Array.isArray(keys) ? keys : undefined
  if (entries === undefined || entries.length > MAX_KEYS) {
    throw new BundleError(`must be a JWK Set of at most ${MAX_KEYS} keys`)
  }
  const of = (use: string) => entries.filter((entry) => isJsonObject(entry)).filter((entry) => entry['use'] === use)
  return {
    roots: of('x509-svid').map(readRoot),
    jwtKeys: readJwtKeys(of('jwt-svid')),
    sequence: readCount(json, 'spiffe_sequence'),
    refreshHint: readCount(json, 'spiffe_refresh_hint'),
  }
}

function readRoot({ x5c }: JsonObject): Certificate {
  const list: readonly unknown[] = Array.isArray(x5c) ? x5c : []
  const [text, ...others] = list
  const der = typeof text === 'string' && others.length === 0 ? decodeCanonical(text) : undefined
  if (der === undefined) throw new BundleError('must have exactly one certificate in the x5c of each x509-svid key')
  try {
    return readCertificate(der)
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error
    throw new BundleError(`must have good certificates: one ${error.message}`)
  }
}

function readJwtKeys(entries: readonly JsonObject[]): ReadonlyMap<string, SvidKey> {
  const keys = new Map<string, SvidKey>()
  for (const entry of entries) {
    const { kid } = entry
    if (typeof kid !== 'string' || !KID.test(kid)) {
      throw new BundleError('must have a kid of 1 to 128 visible ASCII characters in each jwt-svid key')
    }
    if (keys.has(kid)) throw new BundleError(`must not have two jwt-svid keys with the kid ${kid}`)
    keys.set(kid, readJwtKey(entry))
  }
  return keys
}

function readJwtKey(entry: JsonObject): SvidKey {
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(entry, name))) throw new BundleError('must have only public keys')
  const { alg: only } = entry
  const algorithms = SVID_ALGORITHMS.filter((alg) => fits(alg, entry) && (only === undefined || only === alg))
  const verifiers = algorithms.flatMap((alg): (readonly [string, VerifySignature])[] => {
    const verify = importEvidenceKey(alg, publicMembers(entry))
    return verify === undefined ? [] : [[alg, verify]]
  })
  if (verifiers.length > 0) return { verifiers: new Map(verifiers) }
  throw new BundleError('must have well-formed jwt-svid keys: P-256, P-384, P-521, or RSA of 2048 to 4096 bits')
}

function readCount(json: JsonObject, member: string): number | undefined {
  const value = Object.hasOwn(json, member) ? json[member] : undefined
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new BundleError(`must have a ${member} that is a whole number`)
}
