import { describe, expect, it } from 'vitest'
import { buildDidDocument } from './did-document.ts'

const did = 'did:agent:acme.example:0123456789abcdef0123456789abcdef'
// The example of did:key for Ed25519 (W3C did:key, section 3.1.1).
const publicKeyMultibase = 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'
const publicKey = Buffer.from('2e6fcce36701dc791488e0d0b1745cc1e33a4c1c9fcc41c63bd343dbbe0970e6', 'hex')

const context = ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1']
const method = { id: `${did}#${publicKeyMultibase}`, type: 'Multikey', controller: did, publicKeyMultibase }

const expiring = (multibase: string, expires: string) => {
  const id = `${did}#${multibase}`
  return { id, type: 'Multikey', controller: did, publicKeyMultibase: multibase, expires }
}
describe('buildDidDocument', () => {
  it.each([
    ['an active agent', 'active', publicKey, [method], [method.id]],
    ['a suspended agent, which may not authenticate', 'suspended', publicKey, [method], []],
    ['a pending agent, which may not yet authenticate', 'pending', publicKey, [method], []],
    ['a revoked agent, without its key', 'revoked', publicKey, [], []],
    ['an agent without a key', 'active', undefined, [], []],
  ] as const)('builds the document of %s', (_name, status, key, verificationMethod, authentication) => {
    const document = buildDidDocument({ did, status, publicKey: key })
    expect(document).toEqual({ '@context': context, id: did, verificationMethod, authentication })
  })

  const p256 = {
    kty: 'EC',
    crv: 'P-256',
    x: 'fyNYMN0976ci7xqiSdag3buk-ZCwgXU4kz9XNkBlNUI',
    y: 'hW2ojTNfH7Jbi8--CJUo3OCbH3y5n91g-IMA9MLMbTU',
  } as const
  const ed25519 = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const
  const addedKeys = [
    { jwk: p256, exp: 1_800_000_000 },
    { jwk: ed25519, exp: 1_800_000_001 },
  ]
  const added = [
    expiring('zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169', '2027-01-15T08:00:00Z'),
    expiring('z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw', '2027-01-15T08:00:01Z'),
  ]

  it.each([
    ['active', [method, ...added]],
    ['suspended', [method, ...added]],
    ['revoked', []],
  ] as const)(
    'lists added keys after the identity key, with their expiry, for an agent that is %s',
    (status, methods) => {
      const document = buildDidDocument({ did, status, publicKey, addedKeys })
      expect(document.verificationMethod).toEqual(methods)
      expect(document.authentication).toEqual(status === 'active' ? methods.map(({ id }) => id) : [])
    },
  )

  it.each(['active', 'revoked'] as const)('contains the other DIDs of an agent that has moved and is %s', (status) => {
    const alsoKnownAs = ['did:agent:other.example:0123456789abcdef0123456789abcdef']
    expect(buildDidDocument({ did, status, publicKey, alsoKnownAs })).toMatchObject({ alsoKnownAs })
  })
})
