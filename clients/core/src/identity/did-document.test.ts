import { expect, it } from 'vitest'
import { buildDidDocument } from './did-document.ts'

const did = 'did:agent:acme.example:0123456789abcdef0123456789abcdef'
// The example of did:key for Ed25519 (W3C did:key, section 3.1.1).
const publicKeyMultibase = 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'
const publicKey = Buffer.from('2e6fcce36701dc791488e0d0b1745cc1e33a4c1c9fcc41c63bd343dbbe0970e6', 'hex')

const context = ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1']
const method = { id: `${did}#${publicKeyMultibase}`, type: 'Multikey', controller: did, publicKeyMultibase }

it.each([
  ['an active agent', 'active', publicKey, [method], [method.id]],
  ['a suspended agent, which may not authenticate', 'suspended', publicKey, [method], []],
  ['a pending agent, which may not yet authenticate', 'pending', publicKey, [method], []],
  ['a revoked agent, without its key', 'revoked', publicKey, [], []],
  ['an agent without a key', 'active', undefined, [], []],
] as const)('buildDidDocument builds the document of %s', (_name, status, key, verificationMethod, authentication) => {
  const document = buildDidDocument({ did, status, publicKey: key })
  expect(document).toEqual({ '@context': context, id: did, verificationMethod, authentication })
})
