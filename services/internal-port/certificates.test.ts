import { X509Certificate } from 'node:crypto'
import { expect, it } from 'vitest'
import { withExplicitParameters } from '../../test/support/attestation/key-forms.ts'
import { ext, keyPair, makeCertificate, name } from '../../test/support/attestation/make-certificate.ts'
import { certifiedServices } from './certificates.ts'

const { publicKey, privateKey } = keyPair('P-256', 'process')
const contents = { subjectKey: publicKey, extensions: [ext.names(name.dns('identity'))] }

it('certifiedServices returns the names of services in a certificate that names its curve, and no others', () => {
  const explicit = makeCertificate({ ...contents, spki: withExplicitParameters(publicKey) }, privateKey)

  expect(certifiedServices(new X509Certificate(makeCertificate(contents, privateKey)))).toEqual(['identity'])
  expect(certifiedServices(new X509Certificate(explicit))).toEqual([])
})
