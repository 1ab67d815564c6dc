import { constants, hash, type KeyObject, privateEncrypt } from 'node:crypto'

const MODULUS_BYTES = 256
const SHA256 = '300d06096086480165030402010500'
const NULL = '0500'

/**
 * Encoded messages of RFC 8017 section 9.2 for a modulus of 256 bytes: the right encoding, and wrong encodings that
 * careless verifiers accept.
 */
export const ENCODINGS = {
  'the right one': (message: string) => pad(digestInfo(message)),
  'parameters left out': (message: string) => pad(tlv('30', `300b0609608648016503040201${tlv('04', sha256(message))}`)),
  'a length in long form': (message: string) => pad(`308131${SHA256}${tlv('04', sha256(message))}`),
  'bytes after the hash': (message: string) => pad(`${digestInfo(message)}00000000`),
  'bytes after the hash, and short padding': (message: string) =>
    `0001${'ff'.repeat(8)}00${digestInfo(message)}`.padEnd(2 * MODULUS_BYTES, 'a5'),
  'bytes in the parameters': (message: string) =>
    pad(tlv('30', `${tlv('30', `0609608648016503040201${tlv('04', 'aabb')}`)}${tlv('04', sha256(message))}`)),
  'NULL after the hash': (message: string) => pad(tlv('30', `${SHA256}${tlv('04', sha256(message))}${NULL}`)),
  'the name of another hash': (message: string) =>
    pad(tlv('30', `300d06096086480165030402030500${tlv('04', sha256(message))}`)),
  'SHA-512': (message: string) =>
    pad(tlv('30', `300d06096086480165030402030500${tlv('04', hash('sha512', message, 'hex'))}`)),
  'SHA-1': (message: string) => pad(tlv('30', `300906052b0e03021a0500${tlv('04', hash('sha1', message, 'hex'))}`)),
  'only the hash': (message: string) => pad(sha256(message)),
  'no padding': (message: string) => sha256(message).padStart(2 * MODULUS_BYTES, '0'),
  'block type 0': (message: string) => pad(digestInfo(message)).replaceAll('ff', '00').replace('0001', '0000'),
  'block type 2': (message: string) => pad(digestInfo(message)).replace('0001', '0002'),
  'another byte in the padding': (message: string) => pad(digestInfo(message)).replace('ffff', 'fffe'),
  'padding that ends too early': (message: string) => pad(`00${digestInfo(message)}`),
} as const

/** Applies the private operation to an encoded message without changing it (RSASP1, RFC 8017 section 5.2.1). */
export function signEncoded(key: KeyObject, encoded: string): Buffer {
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, Buffer.from(encoded, 'hex'))
}

function digestInfo(message: string): string {
  return tlv('30', `${SHA256}${tlv('04', sha256(message))}`)
}

function pad(content: string): string {
  return `0001${'00'.padStart(2 * (MODULUS_BYTES - 2) - content.length, 'ff')}${content}`
}

function tlv(tag: string, content: string): string {
  return tag + (content.length / 2).toString(16).padStart(2, '0') + content
}

function sha256(message: string): string {
  return hash('sha256', message, 'hex')
}
