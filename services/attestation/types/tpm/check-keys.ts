import type { KeyObject } from 'node:crypto'
import { type AppraisalContext, RefusedEvidence } from '../attestor-type.ts'
import { readCertificate } from '../x509/path/certificate.ts'
import { CertificateError } from '../x509/path/certificate-error.ts'
import { validatePath } from '../x509/path/validate-path.ts'
import { demand } from './demand.ts'
import { type DeviceNames, readDeviceNames } from './device-names.ts'
import type { SentKeys } from './read-evidence.ts'
import type { TpmConfig } from './read-tpm-config.ts'
import { ALG, ATTRIBUTE } from './structures/constants.ts'
import { sha256 } from './structures/digest.ts'
import { type PublicArea, readPublicArea } from './structures/public-area.ts'

/** An endorsement key that a configured authority has certified: it is in a TPM of that authority. */
export interface EndorsementKey {
  readonly area: PublicArea
  /** SHA-256 of the SubjectPublicKeyInfo, in hexadecimal. */
  readonly fingerprint: string
  /** When the certificate, or one above it, expires, in Unix milliseconds. */
  readonly expiresAt: number
  readonly names: DeviceNames
}

/** An attestation key: it is in the TPM that could decrypt a credential for its name. */
export interface AttestationKey {
  readonly key: KeyObject
  readonly name: Uint8Array
  /** The only signature algorithm of the key. */
  readonly algorithm: number
}

const EK_CERTIFICATE = '2.23.133.8.1'
const BORN_IN_TPM = ATTRIBUTE.fixedTpm | ATTRIBUTE.fixedParent | ATTRIBUTE.sensitiveDataOrigin
const EK_ATTRIBUTES = BORN_IN_TPM | ATTRIBUTE.restricted | ATTRIBUTE.decrypt
const AK_ATTRIBUTES = BORN_IN_TPM | ATTRIBUTE.restricted | ATTRIBUTE.sign | ATTRIBUTE.userWithAuth
/** Attributes that say nothing about where the key is and what it does. */
const OPTIONAL = ATTRIBUTE.stClear | ATTRIBUTE.noDictionaryAttack
const EK_OPTIONAL = OPTIONAL | ATTRIBUTE.adminWithPolicy | ATTRIBUTE.userWithAuth
const RSA_ALGORITHMS: ReadonlySet<number> = new Set([ALG.rsassa, ALG.rsapss])

/**
 * Checks the certificate of the endorsement key (TCG EK Credential Profile) and that the public area is of that key.
 *
 * @throws RefusedEvidence
 */
export function checkEndorsementKey(config: TpmConfig, sent: SentKeys, context: AppraisalContext): EndorsementKey {
  const { leaf, expiresAt } = checkPath(config, sent.chain, context)
  const area = readPublicArea(sent.ekPublic, 'ek_public')
  demand(area.key.equals(leaf.publicKey.key), 'ek_public must be the key of ek_certificate')
  demand(
    hasAttributes(area, EK_ATTRIBUTES, EK_OPTIONAL),
    'ek_public must be a restricted decryption key that cannot leave its TPM',
  )
  const { algorithm, bits, mode } = area.symmetric ?? {}
  const isAes128 = algorithm === ALG.aes && bits === 128 && mode === ALG.cfb
  demand(isAes128 && area.scheme === undefined, 'ek_public must protect secrets with AES-128-CFB and have no scheme')
  return { area, fingerprint: sha256(leaf.spki).toString('hex'), expiresAt, names: readDeviceNames(leaf) }
}

function checkPath({ ekRoots: roots }: TpmConfig, chain: readonly Uint8Array[], { now, skewMs }: AppraisalContext) {
  try {
    return validatePath(chain.map(readCertificate), { roots, now, skewMs, extendedKeyUsage: [EK_CERTIFICATE] })
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error
    throw new RefusedEvidence(`ek_certificate: ${error.message}`)
  }
}

/**
 * Checks that the attestation key signs nothing but what its TPM has made, with an algorithm that counts. Where it is,
 * only an activated credential proves.
 *
 * @throws RefusedEvidence
 */
export function checkAttestationKey(akPublic: Uint8Array): AttestationKey {
  const area = readPublicArea(akPublic, 'ak_public')
  // An unrestricted key would sign a quote that a program has invented.
  demand(
    hasAttributes(area, AK_ATTRIBUTES, OPTIONAL),
    'ak_public must be a restricted signing key that cannot leave its TPM',
  )
  demand(area.symmetric === undefined, 'ak_public must have no symmetric algorithm')
  const { algorithm, hash } = area.scheme ?? {}
  const isRsa = area.key.asymmetricKeyType === 'rsa'
  const isSigning = algorithm !== undefined && (isRsa ? RSA_ALGORITHMS.has(algorithm) : algorithm === ALG.ecdsa)
  demand(isSigning && hash === ALG.sha256, 'ak_public must have the scheme RSASSA, RSAPSS or ECDSA with SHA-256')
  return { key: area.key, name: area.name, algorithm }
}

/** Returns whether a key has all demanded attributes, and besides them only optional ones. */
function hasAttributes({ attributes }: PublicArea, demanded: number, optional: number): boolean {
  return (attributes & ~optional) === demanded
}
