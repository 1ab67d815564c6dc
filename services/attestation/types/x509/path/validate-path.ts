import { type Certificate, isSignedBy } from './certificate.ts'
import { CertificateError } from './certificate-error.ts'
import { type Crl, checkRevocation } from './crl.ts'
import { isEqual } from './fields.ts'
import { checkNameConstraints } from './name-constraints.ts'

/** What a path is checked against. */
export interface PathRules {
  /** Pinned CA certificates. Nothing else is a root. Their order does not matter. */
  readonly roots: readonly Certificate[]
  /** If there are CRLs, every certificate below the root must be covered by a current one of its issuer. */
  readonly crls?: readonly Crl[] | undefined
  /** Identifiers of purposes that the leaf must have, and that no CA or root may lack if it lists purposes. */
  readonly extendedKeyUsage?: readonly string[] | undefined
  /** The most CA certificates between root and leaf. */
  readonly maxPath?: number | undefined
  /** Checks what else a CA or root must be. Throws CertificateError, whose message continues its name. */
  readonly checkIssuer?: ((issuer: Certificate) => void) | undefined
  /** Unix milliseconds. */
  readonly now: number
  readonly skewMs: number
}

/** A valid path. */
export interface ValidPath {
  readonly leaf: Certificate
  /** The CA certificates, the root last. */
  readonly issuers: readonly Certificate[]
  /** When the first certificate of the path, or CRL that was needed, is no longer valid, in Unix milliseconds. */
  readonly expiresAt: number
}

const ANY_PURPOSE = '2.5.29.37.0'
const SECOND_MS = 1_000

/**
 * Validates a path (RFC 5280 section 6.1) from one of the roots to the leaf. The certificates are in order, leaf
 * first, each followed by its issuer; the root may be left out. The usage of the leaf's key is left to the caller.
 * Every policy is acceptable. The rules hold for the root too, except that its own signature and revocation do not
 * count. If several roots have issued the last certificate, the path that is valid longest counts.
 *
 * @throws CertificateError
 */
export function validatePath(chain: readonly Certificate[], rules: PathRules): ValidPath {
  const below = withoutRoot(chain, rules)
  const roots = findRoots(below, rules)
  const ends = checkLinks(below, rules)
  const results = roots.map((root) => attempt(() => checkUnder(below, root, rules, ends)))
  const paths = results.filter((result) => 'leaf' in result)
  const [longest] = paths.toSorted((a, b) => b.expiresAt - a.expiresAt)
  if (longest === undefined) throw results[0]
  return longest
}

function withoutRoot(chain: readonly Certificate[], { roots }: PathRules): readonly [Certificate, ...Certificate[]] {
  const isRoot = ({ der }: Certificate) => roots.some((root) => isEqual(root.der, der))
  const [leaf, ...others] = chain.filter((each, at) => at < chain.length - 1 || !isRoot(each))
  if (leaf === undefined) throw new CertificateError('The leaf must not be a root')
  return [leaf, ...others]
}

/**
 * Returns every root that has issued the last certificate. Several roots may have one name, and also one key: a root
 * that is renewed keeps both. The one that expires last comes first, so its refusal is reported.
 */
function findRoots(below: readonly Certificate[], rules: PathRules): readonly Certificate[] {
  const last = below.at(-1)
  const named = last ? rules.roots.filter(({ subject }) => isEqual(subject, last.issuer)) : []
  if (named.length === 0) throw new CertificateError('The chain must end with a certificate that names a pinned root')
  const roots = last ? named.filter((root) => isSignedBy(last.signed, root)) : []
  if (roots.length === 0) throw new CertificateError('The last certificate must be signed by the root that it names')
  return roots.toSorted((a, b) => b.notAfter - a.notAfter || Buffer.compare(a.der, b.der))
}

/** Checks what does not depend on the root. Returns when what was checked ends. */
function checkLinks(below: readonly Certificate[], rules: PathRules): readonly number[] {
  const length = below.length + 1
  return below.flatMap((certificate, at) =>
    naming(at, length, () => {
      checkValidity(certificate, rules)
      if (at > 0) checkCa(certificate, rules)
      const issuer = below[at + 1]
      return [endOf(certificate), ...(issuer === undefined ? [] : checkIssuedNow(certificate, issuer, rules))]
    }),
  )
}

/** Checks what depends on the root. */
function checkUnder(
  below: readonly [Certificate, ...Certificate[]],
  root: Certificate,
  rules: PathRules,
  ends: readonly number[],
): ValidPath {
  const [leaf, ...cas] = below
  const path = [...below, root]
  naming(below.length, path.length, () => {
    checkValidity(root, rules)
    checkCa(root, rules)
  })
  const at = below.length - 1
  const known = naming(at, path.length, () => checkIssuedNow(below[at] ?? leaf, root, rules))
  naming(0, path.length, () => checkLeaf(leaf))
  checkLengths(path, rules)
  checkNames(path)
  checkPurposes(path, rules.extendedKeyUsage ?? [])
  return { leaf, issuers: [...cas, root], expiresAt: Math.min(...ends, ...known, endOf(root)) }
}

function attempt<T>(check: () => T): T | CertificateError {
  try {
    return check()
  } catch (error) {
    if (error instanceof CertificateError) return error
    throw error
  }
}

/** Returns the first moment after the last valid second, which is `notAfter` (RFC 5280 section 4.1.2.5). */
function endOf({ notAfter }: Certificate): number {
  return notAfter + SECOND_MS
}

function checkValidity(certificate: Certificate, { now, skewMs }: PathRules): void {
  if (now + skewMs < certificate.notBefore) throw new CertificateError('must be valid already')
  if (now >= endOf(certificate)) throw new CertificateError('must not have expired')
}

function checkCa(certificate: Certificate, { checkIssuer }: PathRules): void {
  const { isCa, keyUsage } = certificate
  if (!isCa) throw new CertificateError('must be a CA certificate, by basic constraints')
  if (keyUsage?.has('keyCertSign') !== true) throw new CertificateError('must have the key usage keyCertSign')
  checkIssuer?.(certificate)
}

/** Checks that the issuer has issued the certificate and not revoked it. Returns until when that is known. */
function checkIssuedNow(certificate: Certificate, issuer: Certificate, rules: PathRules): readonly number[] {
  checkIssued(certificate, issuer)
  return rules.crls === undefined ? [] : [checkRevocation(certificate, issuer, rules.crls, rules)]
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
  for (const [at, { extendedKeyUsage }] of path.entries()) {
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
