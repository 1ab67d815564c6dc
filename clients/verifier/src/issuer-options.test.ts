import { describe, expect, it } from 'vitest'
import { ACME, CARGO, twoIssuers } from '../../../test/clients/verifier/two-issuers.ts'
import { createVerifier } from './create-verifier.ts'
import type { MultiIssuerOptions } from './options.ts'

const { alpha, beta, newVerifier } = twoIssuers()
const ID = '00000000-0000-8000-8000-000000000000'
const EITHER = 'options must have either issuer or issuers'
const COUNT = 'issuers must be a list of 1 to 32 issuers'
const SCOPES = 'scopes must map 1 to 64 scopes'

/** A caller in JavaScript, which may pass anything. */
const create: (options: object) => unknown = (options) => newVerifier(options)

describe('createVerifier with issuers throws TypeError for', () => {
  const both = (edits: object) => ({ issuers: [alpha.trusted(), { ...beta.trusted(), ...edits }] })
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      ...alpha.trusted({ operators: [`d${index}.example`] }),
      issuer: `https://i${index}.example`,
    }))

  it.each<[string, object, string]>([
    ['an empty list, which does not mean any issuer', { issuers: [] }, COUNT],
    ['a list that is not set', { issuers: undefined }, COUNT],
    ['one issuer without a list', { issuers: alpha.trusted() }, COUNT],
    ['33 issuers', { issuers: many(33) }, COUNT],
    ['an issuer and issuers', { issuer: alpha.issuer }, EITHER],
    ['an entry that is no object', { issuers: [alpha.issuer] }, 'issuers must be a list of objects'],
    ['an entry that is null', { issuers: [null] }, 'issuers must be a list of objects'],
    ['operators outside the list', { operators: 'any' }, 'Unknown option "operators"'],
    ['an unknown option of an issuer', both({ scope: 'a' }), 'the nearest known one is "scopes"'],
    ['an option of the verifier in the list', both({ audience: 'a.example' }), 'Unknown option of issuers "audience"'],
    ['the same issuer twice', { issuers: [alpha.trusted(), alpha.trusted()] }, `${alpha.issuer} twice`],
    ['an issuer with a slash at its end', both({ issuer: `${beta.issuer}/` }), 'issuer must be an https address'],
    ['an issuer in capitals', both({ issuer: 'https://Beta.example/auth' }), 'issuer must be an https address'],
    ['an issuer without operators', both({ operators: undefined }), 'operators must be a list'],
    ['an issuer with no operators in the list', both({ operators: [] }), 'operators must be a list'],
    ['an issuer without revocations', both({ revocations: undefined }), 'revocations must be'],
    ['a domain that two issuers have', both({ operators: [CARGO, ACME] }), `must not name ${ACME} for two issuers`],
    ['a domain in letters of another alphabet', both({ operators: ['аcme.example'] }), 'operators must be domains'],
    [
      'operators by id, because an id has no domain',
      both({ operators: [ID] }),
      'operators must be domains if there are',
    ],
    [
      'two issuers with any domain',
      { issuers: [alpha.trusted({ operators: 'any' }), beta.trusted({ operators: 'any' })] },
      "operators can be 'any' for one issuer only",
    ],
    ['an empty scope map', both({ scopes: {} }), SCOPES],
    ['a scope map that is a list', both({ scopes: [['read', ['read']]] }), SCOPES],
    ['a scope that maps to nothing', both({ scopes: { read: [] } }), SCOPES],
    ['a scope that maps to a text', both({ scopes: { read: 'read' } }), SCOPES],
    ['a scope map with a wildcard', both({ scopes: { '*': ['read'] } }), SCOPES],
    ['a scope that maps to a wildcard', both({ scopes: { read: ['*'] } }), SCOPES],
    ['two scopes in one text', both({ scopes: { 'read write': ['read'] } }), SCOPES],
    [
      'a scope map of more than 64 scopes of this service',
      both({ scopes: { a: scopesOf('a', 33), b: scopesOf('b', 32) } }),
      SCOPES,
    ],
    ['a lifetime of 0', both({ maxTokenTtl: 0 }), 'maxTokenTtl must be a number from 1 to 300'],
    ['more than 300 s without revocations', both({ maxTokenTtl: 301 }), 'maxTokenTtl must be a number from 1 to 300'],
    [
      'more than an hour',
      both({ maxTokenTtl: 3_601, revocations: { authorization: async () => 'Bearer x' } }),
      'maxTokenTtl must be a number from 1 to 3600',
    ],
  ])('%s', (_name, options, message) => {
    expect(() => create(options)).toThrow(message)
    expect(() => create(options)).toThrow(TypeError)
  })

  it('a single issuer with the options scopes and maxTokenTtl, which only the list has', () => {
    const single = { audience: 'b.example', ...alpha.trusted() }
    const withOption = (option: object) => () => createVerifier({ ...single, ...option })
    expect(withOption({ scopes: { a: ['a'] } })).toThrow('Unknown option "scopes"')
    expect(withOption({ maxTokenTtl: 60 })).toThrow('Unknown option "maxTokenTtl"')
  })

  it('nothing else: 32 issuers, one issuer with ids, and one of two with any domain', () => {
    const lists: readonly MultiIssuerOptions['issuers'][] = [
      many(32),
      [alpha.trusted({ operators: [ID] })],
      [alpha.trusted({ operators: 'any' })],
      [alpha.trusted({ operators: 'any' }), beta.trusted()],
    ]
    for (const issuers of lists) expect(newVerifier({ issuers }).settings.issuers).toHaveLength(issuers.length)
  })
})

function scopesOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}:${index}`)
}
