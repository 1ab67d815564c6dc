import { X509Certificate } from 'node:crypto'
import { expect, it } from 'vitest'
import { commonName } from '../../test/support/attestation/der.ts'
import { withExplicitParameters } from '../../test/support/attestation/key-forms.ts'
import { type Contents, ext, keyPair, makeCertificate, name } from '../../test/support/attestation/make-certificate.ts'
import { certifiedServices } from './certificates.ts'

const { publicKey, privateKey } = keyPair('P-256', 'process')
const contents = { subjectKey: publicKey, extensions: [ext.names(name.dns('identity'))] }

it('certifiedServices returns the names of services in a certificate that names its curve, and no others', () => {
  const explicit = makeCertificate({ ...contents, spki: withExplicitParameters(publicKey) }, privateKey)

  expect(certifiedServices(new X509Certificate(makeCertificate(contents, privateKey)))).toEqual(['identity'])
  expect(certifiedServices(new X509Certificate(explicit))).toEqual([])
})

it.each<[string, Partial<Contents>, string[]]>([
  ['a common name that is a service', { subject: commonName('identity'), extensions: [] }, []],
  [
    'a common name that is a service, beside another service in the DNS names',
    { subject: commonName('revocation'), extensions: [ext.names(name.dns('identity'))] },
    ['identity'],
  ],
  ['a URI that ends with a service', { extensions: [ext.names(name.uri('spiffe://a.example/identity'))] }, []],
  ['a service as a label of a longer name', { extensions: [ext.names(name.dns('identity.a.example'))] }, []],
  ['a wildcard', { extensions: [ext.names(name.dns('*'))] }, []],
  ['two services', { extensions: [ext.names(name.dns('identity'), name.dns('authn'))] }, ['authn', 'identity']],
])(
  'certifiedServices returns only DNS names that are services, for a certificate with %s',
  (_name, edits, services) => {
    const certificate = makeCertificate({ ...contents, ...edits }, privateKey)
    expect(certifiedServices(new X509Certificate(certificate)).toSorted()).toEqual(services)
  },
)
