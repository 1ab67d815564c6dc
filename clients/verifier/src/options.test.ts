import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { GOOD_CLAIMS } from '../../../test/support/access-tokens.ts'
import { ODD_URLS } from '../../../test/support/odd-urls.ts'
import { createVerifier } from './create-verifier.ts'
import { createGuard } from './guard.ts'
import type { VerifierOptions } from './verifier-options.ts'

const OPTIONS: VerifierOptions = {
  issuer: 'https://auth.example.com',
  audience: 'https://api.example.com',
  operators: 'any',
  revocations: 'none',
}

const KEY = { publicKey: new Uint8Array(32), sign: async () => new Uint8Array(64) }

describe('createVerifier', () => {
  it.each<[string, object]>([
    ['no operators', { operators: undefined }],
    ['an empty list of operators', { operators: [] }],
    ['an empty operator', { operators: ['a.example', ''] }],
    ['"any" in a list', { operators: ['any'] }],
    ['an operator in capitals, which would match no token', { operators: ['A.example'] }],
    ['a string for operators', { operators: 'a.example' }],
    ['no audience', { audience: undefined }],
    ['an empty audience', { audience: '' }],
    ['no revocations', { revocations: undefined }],
    ['an unknown word for revocations', { revocations: 'all' }],
    ['empty revocations', { revocations: {} }],
    ['revocations without an operator id', { revocations: { operatorId: undefined, key: KEY } }],
    ['revocations without a key', { revocations: { operatorId: GOOD_CLAIMS.operator_id, key: undefined } }],
    ['an authorization that is not a function', { revocations: { authorization: 'Bearer x' } }],
    ['a feed that cannot be opened', { revocations: { open: undefined } }],
    ['a scope, which is an option of each call', { scope: 'orders:read' }],
    ['no issuer', { issuer: undefined }],
    ['an issuer without TLS', { issuer: 'http://auth.example.com' }],
    ['an issuer with a trailing slash', { issuer: 'https://auth.example.com/' }],
    ['an issuer with a query', { issuer: 'https://auth.example.com?' }],
    ['an issuer in capitals, which would match no token', { issuer: 'https://Auth.example.com' }],
    ...ODD_URLS.map(([name, issuer]): [string, object] => [`an issuer with ${name}`, { issuer }]),
    ['a maxStaleness of 0', { maxStaleness: 0 }],
    ['an infinite maxStaleness', { maxStaleness: Number.POSITIVE_INFINITY }],
    ['a string for a number', { clockSkew: '10' }],
    ['a clockSkew over 60', { clockSkew: 61 }],
    ['an unknown value of onStale', { onStale: 'accept' }],
    ['an unknown value of dpop', { dpop: 'optional' }],
    ['a replay store that is a function', { replays: () => true }],
    ['an empty replay store', { replays: {} }],
    ['null as replay store', { replays: null }],
    ['an unknown option of revocations', { revocations: { operatorId: GOOD_CLAIMS.operator_id, key: KEY, keys: 1 } }],
  ])('throws TypeError for %s', (_name, options) => {
    expect(() => createVerifier({ ...OPTIONS, ...options })).toThrow(TypeError)
  })

  it('throws TypeError for an unknown option and names the nearest known one', () => {
    const create = (options: object) => () => createVerifier({ ...OPTIONS, ...options })
    expect(create({ operator: 'any' })).toThrow('Unknown option "operator": the nearest known one is "operators"')
    expect(create({ maxJwksage: 1 })).toThrow('Unknown option "maxJwksage": the nearest known one is "maxJwksAge"')
    using verifier = createVerifier(OPTIONS)
    for (const wanted of [{ scopes: 'a' }, { aud: 'a' }]) {
      expect(() => createGuard(verifier, wanted as object)).toThrow('the nearest known one is')
    }
  })
})

it('createVerifier throws on a Node that is too old, with both versions in the message', () => {
  vi.stubGlobal('process', { versions: { node: '18.20.8' } })
  onTestFinished(() => void vi.unstubAllGlobals())
  expect(() => createVerifier(OPTIONS)).toThrow('@auth4agent/verifier needs Node 20.19.0 or newer, and this is')
})
