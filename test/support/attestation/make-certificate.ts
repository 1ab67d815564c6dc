import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { bits, boolean, commonName, der, integer, octets, oid, sequence, time } from './der.ts'

/** A key pair. */
export interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const GENERATE = {
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'P-521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  Ed25519: () => generateKeyPairSync('ed25519'),
  'RSA-1024': () => generateKeyPairSync('rsa', { modulusLength: 1_024 }),
  'RSA-2048': () => generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  'RSA-e3': () => generateKeyPairSync('rsa', { modulusLength: 2_048, publicExponent: 3 }),
}

/** A kind of key. */
export type KeyKind = keyof typeof GENERATE

const pairs = new Map<string, Pair>()

/** Returns a key pair of this kind and name, the same one each time: keys of RSA take long to make. */
export function keyPair(kind: KeyKind, name: string): Pair {
  const id = `${kind} ${name}`
  const pair = pairs.get(id) ?? GENERATE[kind]()
  pairs.set(id, pair)
  return pair
}

const NULL = der(0x05)
const pssParameters = (hash: string, salt: number) => {
  const digest = sequence(oid(hash), NULL)
  return sequence(der(0xa0, digest), der(0xa1, sequence(oid('1.2.840.113549.1.1.8'), digest)), der(0xa2, integer(salt)))
}

/** Signature algorithms: AlgorithmIdentifier, and how node:crypto signs. */
const SIGNATURES = {
  'ecdsa-sha1': { id: sequence(oid('1.2.840.10045.4.1')), hash: 'sha1' },
  'ecdsa-sha256': { id: sequence(oid('1.2.840.10045.4.3.2')), hash: 'sha256' },
  'ecdsa-sha384': { id: sequence(oid('1.2.840.10045.4.3.3')), hash: 'sha384' },
  'ecdsa-sha512': { id: sequence(oid('1.2.840.10045.4.3.4')), hash: 'sha512' },
  'rsa-md5': { id: sequence(oid('1.2.840.113549.1.1.4'), NULL), hash: 'md5' },
  'rsa-sha1': { id: sequence(oid('1.2.840.113549.1.1.5'), NULL), hash: 'sha1' },
  'rsa-sha256': { id: sequence(oid('1.2.840.113549.1.1.11'), NULL), hash: 'sha256' },
  'rsa-sha512': { id: sequence(oid('1.2.840.113549.1.1.13'), NULL), hash: 'sha512' },
  'pss-sha256': {
    id: sequence(oid('1.2.840.113549.1.1.10'), pssParameters('2.16.840.1.101.3.4.2.1', 32)),
    hash: 'sha256',
    salt: 32,
  },
  'pss-short-salt': {
    id: sequence(oid('1.2.840.113549.1.1.10'), pssParameters('2.16.840.1.101.3.4.2.1', 8)),
    hash: 'sha256',
    salt: 8,
  },
  ed25519: { id: sequence(oid('1.3.101.112')), hash: undefined },
} as const

/** A signature algorithm. */
export type SignatureName = keyof typeof SIGNATURES

function usualSignature({ asymmetricKeyType: type }: KeyObject): SignatureName {
  if (type === 'ed25519') return 'ed25519'
  return type === 'rsa' ? 'rsa-sha256' : 'ecdsa-sha256'
}

/** Signs the fields of a certificate or a CRL. `inner` and `outer` replace the algorithm identifiers. */
export function signFields(
  fields: (algorithm: Buffer) => Buffer,
  signer: KeyObject,
  { algorithm = usualSignature(signer), inner }: { readonly algorithm?: SignatureName; readonly inner?: Buffer } = {},
): Buffer {
  const { id, hash, ...more } = SIGNATURES[algorithm]
  const toBeSigned = fields(inner ?? id)
  const options = 'salt' in more ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: more.salt } : {}
  return sequence(toBeSigned, id, bits(sign(hash, toBeSigned, { key: signer, ...options })))
}

/** Encodes an extension. */
export function extension(id: string, value: Uint8Array, isCritical = false): Buffer {
  return sequence(oid(id), ...(isCritical ? [boolean(true)] : []), octets(value))
}

/** Extensions of certificates, by what they say. */
export const ext = {
  ca: (pathLength?: number, isCritical = true) =>
    extension(
      '2.5.29.19',
      sequence(boolean(true), ...(pathLength === undefined ? [] : [integer(pathLength)])),
      isCritical,
    ),
  notCa: () => extension('2.5.29.19', sequence(), true),
  /** Octets of the bit string, and how many bits at the end are unused. */
  keyUsage: (octet: number, unused: number, isCritical = true) =>
    extension('2.5.29.15', bits(Buffer.from([octet]), unused), isCritical),
  purposes: (...ids: readonly string[]) => extension('2.5.29.37', sequence(...ids.map(oid))),
  names: (...names: readonly Uint8Array[]) => extension('2.5.29.17', sequence(...names)),
  criticalNames: (...names: readonly Uint8Array[]) => extension('2.5.29.17', sequence(...names), true),
  constraints: (permitted: readonly Uint8Array[], excluded: readonly Uint8Array[] = []) =>
    extension('2.5.29.30', constraintsValue(permitted, excluded), true),
  subjectKeyId: (key: KeyObject) => extension('2.5.29.14', octets(keyId(key))),
  authorityKeyId: (key: KeyObject) => extension('2.5.29.35', sequence(der(0x80, keyId(key)))),
}

function constraintsValue(permitted: readonly Uint8Array[], excluded: readonly Uint8Array[]): Buffer {
  return sequence(...subtrees(0xa0, permitted), ...subtrees(0xa1, excluded))
}

function subtrees(tag: number, bases: readonly Uint8Array[]): readonly Buffer[] {
  return bases.length === 0 ? [] : [der(tag, ...bases.map((base) => sequence(base)))]
}

function keyId(key: KeyObject): Buffer {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20)
}

/** Alternative names, by their kinds. */
export const name = {
  dns: (text: string) => der(0x82, Buffer.from(text)),
  email: (text: string) => der(0x81, Buffer.from(text)),
  uri: (text: string) => der(0x86, Buffer.from(text)),
  ip: (...octets: readonly number[]) => der(0x87, Buffer.from(octets)),
  directory: (dn: Uint8Array) => der(0xa4, dn),
  other: () => der(0xa0, oid('1.3.6.1.4.1.1'), der(0xa0, der(0x0c, Buffer.from('x')))),
}

export const DIGITAL_SIGNATURE = () => ext.keyUsage(0x80, 7)
export const CERT_AND_CRL_SIGN = () => ext.keyUsage(0x06, 1)

/** The contents of a certificate. All have defaults except the keys. */
export interface Contents {
  readonly subject?: Buffer
  readonly issuer?: Buffer
  readonly subjectKey: KeyObject
  /** Replaces the SubjectPublicKeyInfo of the key. */
  readonly spki?: Buffer
  readonly notBefore?: Buffer
  readonly notAfter?: Buffer
  readonly serial?: Buffer
  readonly version?: readonly Buffer[]
  /** Encoded unique identifiers, or anything else in front of the extensions. */
  readonly extra?: readonly Buffer[]
  readonly extensions: readonly Buffer[]
  readonly algorithm?: SignatureName
  readonly inner?: Buffer
}

/** When the certificates of tests are valid: a day before and after this moment, in Unix milliseconds. */
export const NOW = Date.UTC(2027, 0, 15, 12)
export const DAY_MS = 86_400_000
const VERSION_3 = der(0xa0, integer(2))

let serials = 1

/** Makes a certificate. */
export function makeCertificate(contents: Contents, signer: KeyObject): Buffer {
  const { subject = commonName('subject'), issuer = commonName('issuer'), extensions, extra = [] } = contents
  serials += 1
  const { algorithm, inner } = contents
  return signFields(
    (id) =>
      sequence(
        ...(contents.version ?? [VERSION_3]),
        contents.serial ?? integer(serials),
        id,
        issuer,
        sequence(contents.notBefore ?? time(NOW - DAY_MS), contents.notAfter ?? time(NOW + DAY_MS)),
        subject,
        contents.spki ?? contents.subjectKey.export({ type: 'spki', format: 'der' }),
        ...extra,
        ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
      ),
    signer,
    { ...(algorithm && { algorithm }), ...(inner && { inner }) },
  )
}
