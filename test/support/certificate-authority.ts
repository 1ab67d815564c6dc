import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

/** A certificate and its key, PEM texts. */
export interface Certified {
  readonly cert: string
  readonly key: string
}

/** A certificate authority for test processes. Its key exists only in memory. */
export interface Authority {
  /** The authority's own certificate. */
  readonly ca: string
  /** Creates a key, and a certificate for it that contains the DNS names. */
  certify(...dnsNames: readonly string[]): Certified
}

const DAY_MS = 86_400_000

/** Creates an authority. No other authority trusts its certificates. */
export function createAuthority(name = 'test authority'): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const issue = (subject: string, subjectKey: KeyObject, extensions: readonly Buffer[]) =>
    pem('CERTIFICATE', certificate({ issuer: name, subject, subjectKey, extensions }, privateKey))
  return {
    ca: issue(name, publicKey, [extension('551d13', sequence(der(0x01, Buffer.from([0xff]))), true)]),
    certify(...dnsNames) {
      // Browsers accept no server with an Ed25519 key.
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const names = sequence(...dnsNames.map((dns) => der(0x82, Buffer.from(dns))))
      return {
        cert: issue('process', pair.publicKey, [extension('551d11', names, false)]),
        key: String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' })),
      }
    },
  }
}

/**
 * Lets this process trust an authority until `started` ends. Two authorities have the same name, so a test that left
 * one behind would break the next one.
 */
export function trustAuthority(started: AsyncDisposableStack, ca: string): void {
  const trusted = getCACertificates()
  setDefaultCACertificates([...trusted, ca])
  started.defer(() => setDefaultCACertificates(trusted))
}

interface Contents {
  readonly issuer: string
  readonly subject: string
  readonly subjectKey: KeyObject
  readonly extensions: readonly Buffer[]
}

/** Encodes an X.509 certificate, version 3 (RFC 5280 section 4.1), signed with Ed25519 (RFC 8410). */
function certificate({ issuer, subject, subjectKey, extensions }: Contents, issuerKey: KeyObject): Buffer {
  const algorithm = sequence(oid('2b6570'))
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(8)])
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    nameOf(issuer),
    sequence(time(Date.now() - DAY_MS), time(Date.now() + DAY_MS)),
    nameOf(subject),
    subjectKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  )
  return sequence(toBeSigned, algorithm, bits(sign(null, toBeSigned, issuerKey)))
}

function extension(id: string, value: Buffer, isCritical: boolean): Buffer {
  const critical = isCritical ? [der(0x01, Buffer.from([0xff]))] : []
  return sequence(oid(id), ...critical, der(0x04, value))
}

/** Encodes a distinguished name that has only a common name. */
function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(commonName)))))
}

function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return der(0x18, Buffer.from(text))
}

const bits = (bytes: Buffer) => der(0x03, Buffer.concat([Buffer.from([0]), bytes]))
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const sequence = (...parts: readonly Buffer[]) => der(0x30, Buffer.concat(parts))

/** Encodes tag, length and value in ASN.1's distinguished encoding rules. */
function der(tag: number, value: Buffer): Buffer {
  const { length } = value
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), value])
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
