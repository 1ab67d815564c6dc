import { beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../support/until.ts'
import { isAscii, isDateTime, isKeyword } from './checks.ts'
import { useResolver } from './resolutions.ts'

const resolver = useResolver()
const UNKNOWN = 'did:agent:acme-operator.com:00000000000000000000000000000000'
const INVALID = [
  'did:agent:acme-operator.com:xyz',
  'did:agent:acme-operator.com',
  'DID:agent:acme-operator.com:0',
  'acme',
]

/** Returns the metadata of an agent's document. */
const metadata = async (name: Parameters<typeof resolver.agent>[0], query = '') =>
  (await resolver.resolve(resolver.agent(name).did, query)).didDocumentMetadata

beforeAll(async () => {
  // Of two versions in one second, the later one is the document of that second.
  const { created } = await metadata('careful')
  const next = Date.parse(String(created)) + 1_000
  await until(
    () => Promise.resolve(Date.now()),
    (now) => now >= next,
  )
  await resolver.addKey('careful')
})

/** Returns the number of keys in a version of the document. */
const keysAt = async (query: string) => {
  const { didDocument } = await resolver.resolve(resolver.agent('careful').did, query)
  return didDocument?.verificationMethod.length
}

describe('the resolution of a DID', () => {
  it('answers a document and both kinds of metadata', async () => {
    const { did } = resolver.agent('active')
    const resolution = await resolver.resolve(did)
    expect(Object.keys(resolution)).toEqual(['didDocument', 'didResolutionMetadata', 'didDocumentMetadata'])
    expect(resolution.didDocument).toMatchObject({ id: did })
    expect(resolution.didResolutionMetadata).toEqual({ contentType: 'application/did+json' })
  })

  it('names the type of the representation as ASCII text', async () => {
    const { didResolutionMetadata } = await resolver.resolve(resolver.agent('active').did)
    expect(isAscii(didResolutionMetadata['contentType'])).toBe(true)
  })

  it.each([...INVALID, 'did:web:acme-operator.com'])('answers an error and nothing else for %s', async (text) => {
    const { didDocument, didResolutionMetadata, didDocumentMetadata } = await resolver.resolve(text)
    expect([didDocument, didDocumentMetadata]).toEqual([null, {}])
    expect(isKeyword(didResolutionMetadata['error'])).toBe(true)
  })

  it.each(INVALID)('answers invalidDid for %s', async (text) => {
    expect((await resolver.resolve(text)).didResolutionMetadata).toEqual({ error: 'invalidDid' })
  })

  it('answers notFound for a DID that has no agent', async () => {
    const resolution = await resolver.resolve(UNKNOWN)
    expect(resolution).toEqual({
      didDocument: null,
      didResolutionMetadata: { error: 'notFound' },
      didDocumentMetadata: {},
    })
  })
})

describe('the metadata of a DID document', () => {
  it('has the time of the registration in UTC without a fraction', async () => {
    expect(isDateTime((await metadata('active'))['created'])).toBe(true)
  })

  it('has the time of the last change, which is not before the registration', async () => {
    const { created, updated } = await metadata('careful')
    expect(isDateTime(updated)).toBe(true)
    expect(String(updated) >= String(created)).toBe(true)
    expect(await metadata('active')).not.toHaveProperty('updated')
  })

  it('says for a revoked agent that the DID is deactivated, and for others that it is not', async () => {
    expect(await metadata('revoked')).toMatchObject({ deactivated: true })
    for (const name of ['active', 'suspended', 'pending'] as const) {
      expect(await metadata(name)).toMatchObject({ deactivated: false })
    }
  })

  it('has the number of the last key event as version', async () => {
    expect(await metadata('active')).toMatchObject({ versionId: '0' })
    const { versionId } = await metadata('careful')
    expect([isAscii(versionId), versionId]).toEqual([true, '1'])
  })

  it('has no announcement of the next version, because nobody can know it', async () => {
    for (const name of ['active', 'careful', 'revoked'] as const) {
      for (const member of ['nextUpdate', 'nextVersionId']) expect(await metadata(name)).not.toHaveProperty(member)
    }
  })
})

describe('the parameters of a DID URL', () => {
  it('versionId chooses the document after that key event', async () => {
    expect([await keysAt('?versionId=0'), await keysAt('?versionId=1'), await keysAt('')]).toEqual([1, 2, 2])
  })

  it('versionTime chooses the document of that time', async () => {
    const { created } = (await resolver.resolve(resolver.agent('careful').did)).didDocumentMetadata
    expect(await keysAt(`?versionTime=${String(created)}`)).toBe(1)
    expect(await keysAt('?versionTime=2090-01-01T00:00:00Z')).toBe(2)
  })
})

describe('the dereferencing of a DID URL', () => {
  it('finds each method of a document by its fragment, without another request', async () => {
    const { didDocument } = await resolver.resolve(resolver.agent('careful').did)
    const methods = didDocument?.verificationMethod ?? []
    for (const id of didDocument?.authentication ?? []) {
      expect(methods.filter((method) => method.id === id)).toHaveLength(1)
    }
    expect(methods.some(({ id }) => id === `${didDocument?.id}#nothing`)).toBe(false)
  })
})
