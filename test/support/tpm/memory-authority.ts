import type { KeyObject } from 'node:crypto'
import { commonName, distinguishedName, pem, sequence } from '../attestation/der.ts'
import {
  CERT_AND_CRL_SIGN,
  type Contents,
  ext,
  keyPair,
  makeCertificate,
  name,
} from '../attestation/make-certificate.ts'

/** An authority in memory that certifies endorsement keys. */
export interface MemoryAuthority {
  /** The certificate of its root, PEM. */
  readonly root: string
  /** Certifies an endorsement key. Returns DER. `contents` replace those of a good certificate. */
  certify(key: KeyObject, contents?: Partial<Contents>): Buffer
}

const EK_CERTIFICATE = '2.23.133.8.1'
const KEY_AGREEMENT = () => ext.keyUsage(0x08, 3)
const KEY_ENCIPHERMENT = () => ext.keyUsage(0x20, 5)
const DEVICE = distinguishedName(['2.23.133.2.1', 'id:494E5443'], ['2.23.133.2.2', 'Model 1'], ['2.23.133.2.3', 'id:2'])

export function createMemoryAuthority(authorityName: string): MemoryAuthority {
  const pair = keyPair('P-256', authorityName)
  const issuer = commonName(authorityName)
  const extensions = [ext.ca(), CERT_AND_CRL_SIGN()]
  const root = { issuer, subject: issuer, subjectKey: pair.publicKey, extensions }
  return {
    root: pem('CERTIFICATE', makeCertificate(root, pair.privateKey)),
    certify: (key, contents) =>
      makeCertificate(
        { issuer, subject: sequence(), subjectKey: key, extensions: ekExtensions(key), ...contents },
        pair.privateKey,
      ),
  }
}

/** The extensions of the certificate of an endorsement key (TCG EK Credential Profile). Its subject is empty. */
export function ekExtensions(key: KeyObject, purpose = EK_CERTIFICATE, device = [name.directory(DEVICE)]): Buffer[] {
  const usage = key.asymmetricKeyType === 'rsa' ? KEY_ENCIPHERMENT() : KEY_AGREEMENT()
  return [usage, ext.purposes(purpose), ext.criticalNames(...device)]
}
