import { decodeBase64, encodeBase64 } from '@auth4agent/core/encoding/base64'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { invalidConfig } from '../../read-config.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import { CertificateError } from './certificate-error.ts'
import { type Crl, readCrl } from './crl.ts'
import { isEqual } from './fields.ts'

const MAX_ROOTS = 16
const MAX_CRLS = 16
const MAX_TEXT = 1024 * 1024

/**
 * Reads a member of a configuration that lists root certificates: 1 to 16, each a PEM text or the DER in base64.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function readRoots(config: JsonObject, member: string): readonly Certificate[] {
  const roots = readList(config, member, 'CERTIFICATE', MAX_ROOTS, readCertificate)
  if (roots === undefined) throw invalidConfig(member, `must be a list of 1 to ${MAX_ROOTS} certificates as PEM`)
  for (const [at, root] of roots.entries()) {
    const place = `${member}[${at}]`
    if (!root.isCa) throw invalidConfig(place, 'must be a CA certificate, by basic constraints')
    if (roots.findIndex(({ der }) => isEqual(der, root.der)) < at) throw invalidConfig(place, 'must be there once')
  }
  return roots
}

/**
 * Reads a member of a configuration that lists CRLs: 1 to 16, each a PEM text or the DER in base64; undefined if it is
 * absent.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function readCrls(config: JsonObject, member: string): readonly Crl[] | undefined {
  return readList(config, member, 'X509 CRL', MAX_CRLS, readCrl)
}

function readList<T>(
  config: JsonObject,
  member: string,
  label: string,
  max: number,
  read: (der: Uint8Array) => T,
): readonly T[] | undefined {
  const value = Object.hasOwn(config, member) ? config[member] : undefined
  if (value === undefined) return undefined
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  if (list.length < 1 || list.length > max) throw invalidConfig(member, `must be a list of 1 to ${max} PEM texts`)
  return list.map((text, at) => {
    const place = `${member}[${at}]`
    const der = typeof text === 'string' ? decodePem(text, label) : undefined
    if (der === undefined) throw invalidConfig(place, `must be one PEM text with the label ${label}`)
    try {
      return read(der)
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error
      throw invalidConfig(place, error.message)
    }
  })
}

/** Reads one PEM text without anything around it (RFC 7468), or its base64 alone. */
function decodePem(text: string, label: string): Uint8Array | undefined {
  if (text.length > MAX_TEXT) return undefined
  const [begin, end] = [`-----BEGIN ${label}-----`, `-----END ${label}-----`]
  const trimmed = text.trim()
  const isPem = trimmed.startsWith(begin) && trimmed.endsWith(end)
  const body = isPem ? trimmed.slice(begin.length, -end.length) : trimmed
  return decodeCanonical(body.replaceAll(/\r?\n/g, ''))
}

/** Decodes padded standard base64, which has one text for each byte string. */
export function decodeCanonical(text: string): Uint8Array | undefined {
  const bytes = text === '' ? undefined : decodeBase64(text)
  return bytes !== undefined && encodeBase64(bytes) === text ? bytes : undefined
}
