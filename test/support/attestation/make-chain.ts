import type { KeyObject } from 'node:crypto'
import { commonName, der, integer, sequence, time } from './der.ts'
import {
  CERT_AND_CRL_SIGN,
  type Contents,
  DAY_MS,
  DIGITAL_SIGNATURE,
  ext,
  extension,
  type KeyKind,
  keyPair,
  makeCertificate,
  NOW,
  name,
  type Pair,
  signFields,
} from './make-certificate.ts'

/** How a certificate of a chain differs from a good one. An extension that is undefined is left out. */
export interface Link extends Partial<Omit<Contents, 'extensions' | 'subjectKey'>> {
  /** The common name, and the name of the key. */
  readonly cn?: string
  readonly kind?: KeyKind
  readonly ca?: Buffer | undefined
  readonly keyUsage?: Buffer | undefined
  readonly names?: Buffer | undefined
  readonly keyIds?: boolean
  /** More extensions. */
  readonly more?: readonly Buffer[]
  /** The key that signs, if it is not that of the issuer. */
  readonly signer?: KeyObject
}

/** A certificate with its key. */
export interface Made {
  readonly der: Buffer
  readonly subject: Buffer
  readonly pair: Pair
}

/**
 * Makes a chain. Links are in the order root, CA certificates, leaf; the last is a leaf, the others are CAs.
 *
 * @returns in the same order
 */
export function makeChain(...links: readonly Link[]): readonly Made[] {
  const made: Made[] = []
  for (const [at, link] of links.entries()) made.push(makeLink(link, made.at(-1), at, at === links.length - 1))
  return made
}

/** Makes one certificate under an issuer; without one, it is self-signed. */
export function makeLink(link: Link, issuer: Made | undefined, at: number, isLeaf: boolean): Made {
  const { cn = isLeaf ? 'leaf' : `ca ${at}`, kind = 'P-256', more = [], keyIds = true } = link
  const pair = keyPair(kind, cn)
  const subject = link.subject ?? commonName(cn)
  const signerPair = issuer?.pair ?? pair
  const given: Pick<Link, 'ca' | 'keyUsage' | 'names'> = { ...(isLeaf ? LEAF() : CA()), ...link }
  const ids = [ext.subjectKeyId(pair.publicKey), ext.authorityKeyId(signerPair.publicKey)]
  const extensions = [given.ca, given.keyUsage, given.names].filter((each) => each !== undefined)
  const contents = {
    issuer: issuer?.subject ?? subject,
    ...link,
    subject,
    subjectKey: pair.publicKey,
    extensions: [...extensions, ...(keyIds ? ids : []), ...more],
  }
  return { der: makeCertificate(contents, link.signer ?? signerPair.privateKey), subject, pair }
}

const CA = () => ({ ca: ext.ca(), keyUsage: CERT_AND_CRL_SIGN() })
const LEAF = () => ({ keyUsage: DIGITAL_SIGNATURE(), names: ext.names(name.dns('agent.example')) })

/** How a CRL differs from a good one. */
export interface CrlParts {
  readonly revoked?: readonly Buffer[]
  /** Extensions of each entry. */
  readonly entryExtensions?: readonly Buffer[]
  /** Replaces the algorithm that is signed. */
  readonly inner?: Buffer
  readonly thisUpdate?: Buffer
  readonly nextUpdate?: readonly Buffer[]
  readonly extensions?: readonly Buffer[]
  readonly issuer?: Buffer
  readonly signer?: KeyObject
}

/** Makes a CRL of an issuer. `revoked` are encoded serial numbers. */
export function makeCrl(issuer: Made, parts: CrlParts = {}): Buffer {
  const { revoked = [], thisUpdate = time(NOW - DAY_MS), nextUpdate = [time(NOW + DAY_MS / 2)] } = parts
  const number = extension('2.5.29.20', integer(1))
  const extensions = [ext.authorityKeyId(issuer.pair.publicKey), number, ...(parts.extensions ?? [])]
  const more = parts.entryExtensions === undefined ? [] : [sequence(...parts.entryExtensions)]
  const entries = revoked.map((serial) => sequence(serial, time(NOW - DAY_MS), ...more))
  return signFields(
    (id) =>
      sequence(
        integer(1),
        id,
        parts.issuer ?? issuer.subject,
        thisUpdate,
        ...nextUpdate,
        ...(entries.length === 0 ? [] : [sequence(...entries)]),
        der(0xa0, sequence(...extensions)),
      ),
    parts.signer ?? issuer.pair.privateKey,
    parts.inner && { inner: parts.inner },
  )
}
