import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { GOOD_CLAIMS } from '../../../test/support/access-tokens.ts'
import { createVerifier } from './create-verifier.ts'
import { createGuard } from './guard.ts'
import type { VerifierOptions } from './options.ts'

const OPTIONS: VerifierOptions = {
  issuer: 'https://auth.example.com',
  audience: 'https://api.example.com',
  operators: 'any',
  revocations: 'none',
}

const KEY = { publicKey: new Uint8Array(32), sign: async () => new Uint8Array(64) }

describe('options', () => {
  it.each<[string, object]>([
    ['no operators', { operators: undefined }],
    ['an empty list of operators', { operators: [] }],
    ['an operator that is empty', { operators: ['a.example', ''] }],
    ['"any" in a list', { operators: ['any'] }],
    ['an operator in capitals, which would match nobody', { operators: ['A.example'] }],
    ['a text for operators', { operators: 'a.example' }],
    ['no audience', { audience: undefined }],
    ['an empty audience', { audience: '' }],
    ['no word about revocations', { revocations: undefined }],
    ['another word', { revocations: 'all' }],
    ['revocations that nobody asks for', { revocations: {} }],
    ['an operator of nobody', { revocations: { operatorId: undefined, key: KEY } }],
    ['an operator without a key', { revocations: { operatorId: GOOD_CLAIMS.operator_id, key: undefined } }],
    ['an authorization that is not made', { revocations: { authorization: 'Bearer x' } }],
    ['a feed that cannot be opened', { revocations: { open: undefined } }],
    ['a scope, which is wanted of each request', { scope: 'orders:read' }],
    ['no issuer', { issuer: undefined }],
    ['an issuer in the clear', { issuer: 'http://auth.example.com' }],
    ['an issuer with a slash behind', { issuer: 'https://auth.example.com/' }],
    ['an issuer with a query', { issuer: 'https://auth.example.com?' }],
    ['an issuer with a fragment', { issuer: 'https://auth.example.com#' }],
    ['an issuer with a user', { issuer: 'https://@auth.example.com' }],
    ['an issuer in capitals, which nobody is', { issuer: 'https://Auth.example.com' }],
    ['an issuer with a line feed behind', { issuer: 'https://auth.example.com\n' }],
    ['an issuer with a port that goes without saying', { issuer: 'https://auth.example.com:443' }],
    ['no staleness', { maxStaleness: 0 }],
    ['any staleness', { maxStaleness: Number.POSITIVE_INFINITY }],
    ['a text for a number', { clockSkew: '10' }],
    ['more skew than the server', { clockSkew: 61 }],
    ['another thing to do when stale', { onStale: 'accept' }],
    [
      'a revocations option that is unknown',
      { revocations: { operatorId: GOOD_CLAIMS.operator_id, key: KEY, keys: 1 } },
    ],
  ])('with %s are refused', (_name, options) => {
    expect(() => createVerifier({ ...OPTIONS, ...options })).toThrow(TypeError)
  })

  it('that are unknown are refused by name, and the nearest known one is told', () => {
    const create = (options: object) => () => createVerifier({ ...OPTIONS, ...options })
    expect(create({ operator: 'any' })).toThrow('Unknown option "operator": the nearest known one is "operators"')
    expect(create({ maxJwksage: 1 })).toThrow('Unknown option "maxJwksage": the nearest known one is "maxJwksAge"')
    using verifier = createVerifier(OPTIONS)
    for (const wanted of [{ scopes: 'a' }, { aud: 'a' }]) {
      expect(() => createGuard(verifier, wanted as object)).toThrow('the nearest known one is')
    }
  })
})

it('a verifier on a Node that is too old is refused, and the error names both versions', () => {
  vi.stubGlobal('process', { versions: { node: '18.20.8' } })
  onTestFinished(() => void vi.unstubAllGlobals())
  expect(() => createVerifier(OPTIONS)).toThrow('@auth4agent/verifier needs Node 20.19.0 or newer, and this is')
})
