import { Buffer } from 'node:buffer'
import { constants, createPrivateKey, type KeyObject, sign, X509Certificate } from 'node:crypto'
import type { EvidenceSource } from '../attestation/evidence-source.ts'
import { readText } from '../node/files.ts'

/** Options of {@link x509}. */
export interface X509Options {
  /** The PEM file of the certificate, and then those of its issuers without the root. */
  readonly certificateFile: string
  /** The PEM file of the private key of the certificate. */
  readonly keyFile: string
  /** The name of the attestor, by default `x509`. */
  readonly attestor?: string | undefined
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
const SALT_BYTES = 32

/**
 * Signs the nonce with the key of a certificate, for an attestor of the type `x509` or `spiffe-x509`. It reads both
 * files each time, because they may be replaced. The key is RSA, P-256, P-384 or Ed25519.
 *
 * @example
 *
 * ```ts
 * import { createAgent } from '@auth4agent/sdk'
 * import { x509 } from '@auth4agent/sdk/enrol'
 *
 * const agent = await createAgent({
 *   server: 'https://auth.example.com',
 *   operator: '0b5c9a2e-7f3d-8c1a-9e4b-2d6f8a0c4e6b',
 *   enrol: x509({ certificateFile: '/etc/machine/tls.crt', keyFile: '/etc/machine/tls.key' }),
 * })
 * ```
 */
export function x509({ certificateFile, keyFile, attestor = 'x509' }: X509Options): EvidenceSource {
  return {
    attestor,
    async evidence({ nonce, thumbprint }) {
      const [leaf, ...issuers] = await readChain(certificateFile)
      if (leaf === undefined) throw new Error(`${certificateFile} has no certificate in PEM`)
      const key = await readKey(keyFile)
      if (!leaf.checkPrivateKey(key)) throw new Error(`${keyFile} is not the key of the certificate ${certificateFile}`)
      const { alg, signature } = signBy(key, Buffer.from(`auth4agents-x509:${nonce}:${thumbprint}`))
      const chain = [leaf, ...issuers].map(({ raw }) => raw.toString('base64'))
      return Buffer.from(JSON.stringify({ chain, signature: signature.toString('base64'), alg }))
    },
  }
}

async function readChain(path: string): Promise<readonly X509Certificate[]> {
  const text = await readText(path)
  if (text === undefined) throw new Error(`There is no file ${path}`)
  return (text.match(PEM) ?? []).map((pem) => new X509Certificate(pem))
}

async function readKey(path: string): Promise<KeyObject> {
  const text = await readText(path)
  if (text === undefined) throw new Error(`There is no file ${path}`)
  try {
    return createPrivateKey(text)
  } catch {
    // The message of this error could quote the text.
    throw new Error(`${path} contains no private key in PEM without a password`)
  }
}

/** Signs with the algorithm of a key, as JWS does (RFC 7518 section 3, RFC 8037 section 3.1). */
function signBy(key: KeyObject, message: Buffer): { readonly alg: string; readonly signature: Buffer } {
  const dsaEncoding = 'ieee-p1363'
  switch (`${key.asymmetricKeyType} ${key.asymmetricKeyDetails?.namedCurve ?? ''}`.trim()) {
    case 'ec prime256v1':
      return { alg: 'ES256', signature: sign('sha256', message, { key, dsaEncoding }) }
    case 'ec secp384r1':
      return { alg: 'ES384', signature: sign('sha384', message, { key, dsaEncoding }) }
    case 'ed25519':
      return { alg: 'EdDSA', signature: sign(null, message, key) }
    case 'rsa': {
      const padding = constants.RSA_PKCS1_PSS_PADDING
      return { alg: 'PS256', signature: sign('sha256', message, { key, padding, saltLength: SALT_BYTES }) }
    }
    default:
      throw new Error('The key of the certificate must be RSA, P-256, P-384 or Ed25519')
  }
}
