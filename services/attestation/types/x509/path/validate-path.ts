import { type Certificate, isSignedBy } from './certificate.ts'
import { CertificateError } from './certificate-error.ts'
import { type Crl, checkRevocation } from './crl.ts'
import { isEqual } from './fields.ts'
import { checkNameConstraints } from './name-constraints.ts'

/** What a path is checked against. */
export interface PathRules {
  /** Pinned CA certificates. Nothing else is a root. */
  readonly roots: readonly Certificate[]
  /** If there are CRLs, every certificate below the root must be covered by a current one of its issuer. */
  readonly crls?: readonly Crl[] | undefined
  /** Identifiers of purposes that the leaf must have, and that no CA below the root may lack if it lists purposes. */
  readonly extendedKeyUsage?: readonly string[] | undefined
  /** The most CA certificates between root and leaf. */
  readonly maxPath?: number | undefined
  /** Unix milliseconds. */
  readonly now: number
  readonly skewMs: number
}

/** A valid path. */
export interface ValidPath {
  readonly leaf: Certificate
  /** The CA certificates, the root last. */
  readonly issuers: readonly Certificate[]
  /** The earliest end of a certificate of the path, or of a CRL that was needed, in Unix milliseconds. */
  readonly expiresAt: number
}

const ANY_PURPOSE = '2.5.29.37.0'

/**
 * Validates a path (RFC 5280 section 6.1) from one of the roots to the leaf. The certificates are in order, leaf
 * first, each followed by its issuer; the root may be left out. The usage of the leaf's key is left to the caller.
 * Every policy is acceptable. The rules hold for the root too, except that its own signature and revocation do not
 * count.
 *
 * @throws CertificateError
 */
export function validatePath(chain: readonly Certificate[], rules: PathRules): ValidPath {
  const path = [...chain.filter((each, at) => at < chain.length - 1 || !isRoot(each, rules)), findRoot(chain, rules)]
  const [leaf, ...issuers] = path
  if (leaf === undefined || issuers.length === 0) throw new CertificateError('The leaf must not be a root')
  const ends = path.flatMap((certificate, at) =>
    naming(at, path.length, () => {
      checkValidity(certificate, rules)
      if (at > 0) checkCa(certificate)
      const issuer = path[at + 1]
      if (issuer === undefined) return [certificate.notAfter]
      checkIssued(certificate, issuer)
      const known = rules.crls && checkRevocation(certificate, issuer, rules.crls, rules)
      return known === undefined ? [certificate.notAfter] : [certificate.notAfter, known]
    }),
  )
  naming(0, path.length, () => checkLeaf(leaf))
  checkLengths(path, rules)
  checkNames(path)
  checkPurposes(path, rules.extendedKeyUsage ?? [])
  return { leaf, issuers, expiresAt: Math.min(...ends) }
}

function isRoot({ der }: Certificate, { roots }: PathRules): boolean {
  return roots.some((root) => isEqual(root.der, der))
}

/** Several roots may have one name, so the signature chooses. */
function findRoot(chain: readonly Certificate[], rules: PathRules): Certificate {
  const last = chain.at(-1)
  if (last === undefined) throw new CertificateError('The chain must have a leaf')
  if (isRoot(last, rules)) return last
  const issuers = rules.roots.filter(({ subject }) => isEqual(subject, last.issuer))
  if (issuers.length === 0) throw new CertificateError('The chain must end with a certificate that names a pinned root')
  const root = issuers.find((issuer) => isSignedBy(last.signed, issuer))
  if (root === undefined) throw new CertificateError('The last certificate must be signed by the root that it names')
  return root
}

function checkValidity({ notBefore, notAfter }: Certificate, { now, skewMs }: PathRules): void {
  if (now + skewMs < notBefore) throw new CertificateError('must be valid already')
  if (now >= notAfter) throw new CertificateError('must not have expired')
}

function checkCa({ isCa, keyUsage }: Certificate): void {
  if (!isCa) throw new CertificateError('must be a CA certificate, by basic constraints')
  if (keyUsage?.has('keyCertSign') !== true) throw new CertificateError('must have the key usage keyCertSign')
}

function checkIssued(certificate: Certificate, issuer: Certificate): void {
  if (!isEqual(certificate.issuer, issuer.subject)) {
    throw new CertificateError('must name the subject of the next certificate as its issuer')
  }
  const { authorityKeyId } = certificate
  const { subjectKeyId } = issuer
  if (authorityKeyId !== undefined && subjectKeyId !== undefined && !isEqual(authorityKeyId, subjectKeyId)) {
    throw new CertificateError('must name the key of the next certificate as that of its issuer')
  }
  if (!isSignedBy(certificate.signed, issuer)) {
    throw new CertificateError('must have a valid signature by the key of the next certificate')
  }
}

function checkLeaf({ isCa, keyUsage }: Certificate): void {
  if (isCa || keyUsage?.has('keyCertSign') === true) throw new CertificateError('must not be a CA certificate')
}

/** A self-issued CA certificate does not count: it only brings a new key of the same CA (RFC 5280 section 6.1). */
function isSelfIssued({ subject, issuer }: Certificate): boolean {
  return isEqual(subject, issuer)
}

function checkLengths(path: readonly Certificate[], { maxPath = path.length }: PathRules): void {
  if (path.length - 2 > maxPath) {
    throw new CertificateError(`The chain must have at most ${maxPath} CA certificates between root and leaf`)
  }
  for (const [at, { pathLength = path.length }] of path.entries()) {
    const below = path.slice(1, Math.max(1, at)).filter((each) => !isSelfIssued(each)).length
    if (at > 0 && below > pathLength) {
      throw new CertificateError(`${nameOf(at, path.length)} must allow a path of this length`)
    }
  }
}

/** The constraints of every CA hold for all certificates below it, except CA certificates that are self-issued. */
function checkNames(path: readonly Certificate[]): void {
  for (const [at, { nameConstraints }] of path.entries()) {
    if (nameConstraints === undefined) continue
    if (at === 0) throw new CertificateError('The leaf must not have name constraints')
    for (const [below, certificate] of path.slice(0, at).entries()) {
      if (below > 0 && isSelfIssued(certificate)) continue
      naming(below, path.length, () => checkNameConstraints(nameConstraints, certificate))
    }
  }
}

function checkPurposes(path: readonly Certificate[], wanted: readonly string[]): void {
  if (wanted.length === 0) return
  for (const [at, { extendedKeyUsage }] of path.slice(0, -1).entries()) {
    const isFree = at > 0 && (extendedKeyUsage === undefined || extendedKeyUsage.includes(ANY_PURPOSE))
    if (!isFree && !wanted.every((purpose) => extendedKeyUsage?.includes(purpose))) {
      throw new CertificateError(`${nameOf(at, path.length)} must have the extended key usage ${wanted.join(' and ')}`)
    }
  }
}

/** Puts the name of the certificate in front of the message. */
function naming<T>(at: number, length: number, check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error
    throw new CertificateError(`${nameOf(at, length)} ${error.message}`)
  }
}

function nameOf(at: number, length: number): string {
  if (at === 0) return 'The leaf'
  return at === length - 1 ? 'The root' : `Certificate ${at + 1} of the chain`
}
