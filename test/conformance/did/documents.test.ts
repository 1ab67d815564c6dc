import { beforeAll, describe, expect, it } from 'vitest'
import { isDateTime, isDid, isDidUrl, isMap, isMultibase, isSet } from './checks.ts'
import { type Resolution, useResolver } from './resolutions.ts'

const AGENTS = ['active', 'pending', 'suspended', 'revoked', 'careful'] as const
/** The members of a JWK that are private (RFC 7518 sections 6.2.2 and 6.3.2). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'privateKeyMultibase', 'secretKeyMultibase']
const MATERIAL = /^public/

const resolver = useResolver()
const resolutions = new Map<string, Resolution>()
beforeAll(async () => {
  await resolver.addKey('careful')
  for (const name of AGENTS) resolutions.set(name, await resolver.resolve(resolver.agent(name).did))
})

function documentOf(name: string) {
  const document = resolutions.get(name)?.didDocument
  if (!document) throw new Error('The DID must resolve to a document')
  return document
}

/** Returns the verification methods of all documents. */
const methods = () => AGENTS.flatMap((name) => documentOf(name).verificationMethod)

describe('a DID document', () => {
  it.each(AGENTS)('has the resolved DID as id, for the agent %s', (name) => {
    expect(documentOf(name).id).toBe(resolver.agent(name).did)
    expect(isDid(documentOf(name).id)).toBe(true)
  })

  it('has no controller, because an agent controls its own DID', () => {
    for (const name of AGENTS) expect(documentOf(name)).not.toHaveProperty('controller')
  })

  it.each(AGENTS)('has a set of maps as verificationMethod, for the agent %s', (name) => {
    const { verificationMethod } = documentOf(name)
    expect(isSet(verificationMethod)).toBe(true)
    expect(verificationMethod.every(isMap)).toBe(true)
  })

  it('has in each method an id, a type, a controller and one kind of key', () => {
    expect(methods().length).toBeGreaterThan(3)
    for (const method of methods()) {
      expect(Object.keys(method)).toEqual(expect.arrayContaining(['id', 'type', 'controller']))
      expect(Object.keys(method).filter((name) => MATERIAL.test(name))).toEqual(['publicKeyMultibase'])
      expect(method.type).toBe('Multikey')
    }
  })

  it('has in each method a DID URL as id and the DID as controller', () => {
    for (const name of AGENTS) {
      const { id, verificationMethod } = documentOf(name)
      for (const method of verificationMethod) {
        expect([isDidUrl(method.id), method.id.startsWith(`${id}#`)]).toEqual([true, true])
        expect(method.controller).toBe(id)
      }
    }
  })

  it('has keys of Ed25519 and P-256 in base58 multibase, which the fragment repeats', () => {
    const codes = new Set<string>()
    for (const { id, publicKeyMultibase } of methods()) {
      expect(isMultibase(publicKeyMultibase)).toBe(true)
      expect(id.split('#')[1]).toBe(publicKeyMultibase)
      codes.add(publicKeyMultibase.slice(0, 4))
    }
    expect(codes).toEqual(new Set(['z6Mk', 'zDna']))
  })

  it('has no private part of a key', () => {
    for (const method of methods()) for (const name of PRIVATE) expect(method).not.toHaveProperty(name)
  })

  it('has in an added key the time when it expires, and in the identity key no time', () => {
    const [identity, added] = documentOf('careful').verificationMethod
    expect(identity).not.toHaveProperty('expires')
    expect(isDateTime(added?.expires)).toBe(true)
  })

  it.each(AGENTS)('has a set of methods of the document as authentication, for the agent %s', (name) => {
    const { authentication, verificationMethod } = documentOf(name)
    expect(isSet(authentication)).toBe(true)
    const ids = new Set(verificationMethod.map(({ id }) => id))
    expect(authentication.every((id) => isDidUrl(id) && ids.has(id))).toBe(true)
  })

  it('has no other relationship and no service', () => {
    const members = ['@context', 'id', 'verificationMethod', 'authentication']
    for (const name of AGENTS) expect(Object.keys(documentOf(name))).toEqual(members)
  })

  it('has no key when its agent was revoked', () => {
    expect(documentOf('revoked')).toMatchObject({ verificationMethod: [], authentication: [] })
  })
})

describe('the representation of a DID document', () => {
  it.each(['/v1/agent/', '/1.0/identifiers/'])(
    'is the JSON of the document as application/did+json, at %s',
    async (path) => {
      const { did } = resolver.agent('careful')
      const answer = await resolver.get(`${path}${did}`, 'application/did+json')
      expect([answer.status, answer.type]).toEqual([200, 'application/did+json'])
      expect(JSON.parse(answer.text)).toEqual(documentOf('careful'))
    },
  )

  it('begins with the context of DID Core, then the one of Multikey', () => {
    const [first, ...rest] = documentOf('active')['@context']
    expect(first).toBe('https://www.w3.org/ns/did/v1')
    expect(rest).toEqual(['https://w3id.org/security/multikey/v1'])
  })

  it('contains every member of the document, and no null and no number', async () => {
    const { text } = await resolver.get(`/v1/agent/${resolver.agent('careful').did}`, 'application/did+json')
    const values: unknown[] = []
    JSON.parse(text, (_name, value: unknown) => values.push(value) > 0 && value)
    expect(values.filter((value) => value === null || typeof value === 'number')).toEqual([])
  })
})
