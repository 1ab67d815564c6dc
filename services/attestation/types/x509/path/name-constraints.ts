import { CertificateError } from './certificate-error.ts'
import { type Der, latin1 } from './der.ts'
import { expectTag } from './fields.ts'
import {
  type AlternativeNames,
  type Attribute,
  attributesOf,
  COMMON_NAME,
  type DistinguishedName,
  EMAIL_ADDRESS,
  endsInNumber,
  KIND,
  namesLike,
  readDirectoryName,
} from './names.ts'

/** A name constraint, as a test of names: each kind has its own, and others do not concern it. */
type Subtree =
  | { readonly kind: 'dns' | 'uri' | 'email'; readonly base: string }
  | { readonly kind: 'ip'; readonly address: Uint8Array; readonly mask: Uint8Array }
  | { readonly kind: 'directory'; readonly base: DistinguishedName }

/** Name constraints of a certificate (RFC 5280 section 4.2.1.10). */
export interface NameConstraints {
  readonly permitted: readonly Subtree[]
  readonly excluded: readonly Subtree[]
}

/** The names of a certificate to which constraints apply. */
export interface Named {
  readonly subjectName: DistinguishedName
  readonly names: AlternativeNames
}

const PERMITTED = 0xa0
const EXCLUDED = 0xa1
const MAX_SUBTREES = 64
const TAG_SEQUENCE = 0x30

/** Reads name constraints. Refuses kinds that are not checked here, so no constraint is passed over. */
export function readNameConstraints(element: Der): NameConstraints {
  const { children } = expectTag(element, TAG_SEQUENCE, 'well-formed name constraints')
  const [first, second] = children
  const isOrdered = children.length === 1 || (children.length === 2 && second?.tag === EXCLUDED)
  const isKnown = first?.tag === PERMITTED || (first?.tag === EXCLUDED && children.length === 1)
  if (!isOrdered || !isKnown) throw new CertificateError('must have well-formed name constraints')
  const of = (tag: number) => children.filter((each) => each.tag === tag).flatMap(readSubtrees)
  return { permitted: of(PERMITTED), excluded: of(EXCLUDED) }
}

function readSubtrees({ children }: Der): readonly Subtree[] {
  if (children.length < 1 || children.length > MAX_SUBTREES) {
    throw new CertificateError(`must have 1 to ${MAX_SUBTREES} subtrees in name constraints`)
  }
  return children.map((each) => {
    // `minimum` and `maximum` must not be there (RFC 5280 section 4.2.1.10).
    const [base, ...others] = expectTag(each, TAG_SEQUENCE, 'well-formed name constraints').children
    if (base === undefined || others.length > 0) throw new CertificateError('must have well-formed name constraints')
    return readSubtree(base)
  })
}

const FORMS = {
  /** Empty, a DNS name, or a period and a DNS name. */
  host: /^$|^\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/,
  email: /^([\x21-\x3f\x41-\x7e]+@)?\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/,
}

function readSubtree(base: Der): Subtree {
  const text = latin1(base.contents)
  if (base.tag === KIND.dns && FORMS.host.test(text)) return { kind: 'dns', base: text }
  if (base.tag === KIND.uri && FORMS.host.test(text) && text !== '') return { kind: 'uri', base: text }
  if (base.tag === KIND.email && FORMS.email.test(text)) return { kind: 'email', base: text }
  if (base.tag === KIND.directory) return { kind: 'directory', base: readDirectoryName(base) }
  if (base.tag === KIND.ip) return readRange(base.contents)
  throw new CertificateError(
    'must have name constraints only of well-formed DNS, URI, email, IP and directory names, the kinds checked here',
  )
}

function readRange(contents: Uint8Array): Subtree {
  const size = contents.length / 2
  const mask = contents.subarray(size)
  const bits = [...mask].map((octet) => octet.toString(2).padStart(8, '0')).join('')
  if ((size === 4 || size === 16) && /^1*0*$/.test(bits))
    return { kind: 'ip', address: contents.subarray(0, size), mask }
  throw new CertificateError('must have IP name constraints of an address and a prefix mask')
}

/**
 * Checks the names of a certificate against the constraints of one of its issuers (RFC 5280 section 6.1.3 b, c).
 *
 * @throws CertificateError
 */
export function checkNameConstraints({ permitted, excluded }: NameConstraints, named: Named): void {
  for (const name of namesOf(named)) {
    const ofKind = permitted.filter(({ kind }) => kind === name.kind)
    const isPermitted = ofKind.length === 0 || ofKind.some((subtree) => isWithin(name, subtree, 'permitted'))
    if (!isPermitted) throw new CertificateError('must have only names that the name constraints of its issuers permit')
    if (excluded.some((subtree) => subtree.kind === name.kind && isWithin(name, subtree, 'excluded'))) {
      throw new CertificateError('must have no name that the name constraints of its issuers exclude')
    }
  }
}

type Name =
  | { readonly kind: 'dns' | 'uri' | 'email'; readonly text: string }
  | { readonly kind: 'ip'; readonly octets: Uint8Array }
  | { readonly kind: 'directory'; readonly name: DistinguishedName }

/**
 * The alternative names, the subject, its email addresses, and its common names where they could be taken for an
 * alternative name: rules and people see them beside those.
 */
function namesOf({ subjectName, names }: Named): readonly Name[] {
  const all = [names, ...attributesOf(subjectName, COMMON_NAME).map(namesLike)]
  const emails = [...all.flatMap((each) => each.emails ?? []), ...attributesOf(subjectName, EMAIL_ADDRESS)]
  const directoryNames = subjectName.length > 0 ? [subjectName, ...names.directoryNames] : names.directoryNames
  return [
    ...all.flatMap(({ dns = [] }) => dns).map((text) => ({ kind: 'dns', text }) as const),
    ...all.flatMap(({ uris = [] }) => uris).map((text) => ({ kind: 'uri', text }) as const),
    ...emails.map((text) => ({ kind: 'email', text }) as const),
    ...all.flatMap(({ ips = [] }) => ips).map((octets) => ({ kind: 'ip', octets }) as const),
    ...directoryNames.map((name) => ({ kind: 'directory', name }) as const),
  ]
}

type Purpose = 'permitted' | 'excluded'

function isWithin(name: Name, subtree: Subtree, purpose: Purpose): boolean {
  if (name.kind === 'dns' && subtree.kind === 'dns') return isDnsWithin(name.text, subtree.base, purpose)
  if (name.kind === 'uri' && subtree.kind === 'uri') return isHostWithin(hostOf(name.text), subtree.base)
  if (name.kind === 'email' && subtree.kind === 'email') return isEmailWithin(name.text, subtree.base)
  if (name.kind === 'ip' && subtree.kind === 'ip') {
    const { address, mask } = subtree
    const isInRange = (octet: number, at: number) => ((octet ^ (address[at] ?? 0)) & (mask[at] ?? 0)) === 0
    return name.octets.length === address.length && name.octets.every(isInRange)
  }
  return name.kind === 'directory' && subtree.kind === 'directory' && isNameWithin(name.name, subtree.base)
}

function isDnsWithin(text: string, constraint: string, purpose: Purpose): boolean {
  const [name, base] = [text.toLowerCase(), constraint.toLowerCase()]
  if (base === '' || name === base || name.endsWith(base.startsWith('.') ? base : `.${base}`)) return true
  // A wildcard also stands for an excluded name below its parent.
  return purpose === 'excluded' && name.startsWith('*.') && `.${base}`.endsWith(name.slice(1))
}

/** A period at the start means every host below the domain; else the base is one host. */
function isHostWithin(host: string, constraint: string): boolean {
  const base = constraint.toLowerCase()
  return base.startsWith('.') ? host.endsWith(base) && host !== base : host === base
}

const URI_HOST = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([A-Za-z0-9._-]+)(:\d*)?([/?#]|$)/

/** A URI whose host is not a name cannot be compared, so it is refused (RFC 5280 section 4.2.1.10). */
function hostOf(uri: string): string {
  const host = URI_HOST.exec(uri)?.[1]
  if (host !== undefined && !endsInNumber(host)) return host.toLowerCase()
  throw new CertificateError('must have URI names with a host name where its issuers constrain URIs')
}

function isEmailWithin(email: string, constraint: string): boolean {
  const at = email.lastIndexOf('@')
  if (at < 1) throw new CertificateError('must have well-formed email names')
  const [mailbox, host] = [email.slice(0, at), email.slice(at + 1).toLowerCase()]
  const baseAt = constraint.lastIndexOf('@')
  const base = constraint.slice(baseAt + 1)
  if (baseAt >= 0 && mailbox !== constraint.slice(0, baseAt)) return false
  return isHostWithin(host, base)
}

/** The first relative names must be those of the base. */
function isNameWithin(name: DistinguishedName, base: DistinguishedName): boolean {
  return base.every((relative, at) => {
    const other = name[at]
    return other !== undefined && canonical(relative) === canonical(other)
  })
}

/** Attributes without differences in case and white space, as RFC 5280 section 7.1 compares them. */
function canonical(relative: readonly Attribute[]): string {
  const attributes = relative.map(({ oid, value }) => [
    oid,
    value.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/g, ' '),
  ])
  return JSON.stringify(attributes.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)))
}
