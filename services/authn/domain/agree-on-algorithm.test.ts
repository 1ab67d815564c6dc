import { TOKEN_ALGORITHMS, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { expect, it } from 'vitest'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { agreeOnAlgorithm } from './agree-on-algorithm.ts'

const agree = (...algs: TokenAlgorithm[]) =>
  agreeOnAlgorithm(algs.map((alg, at) => ({ audience: `a${at}.example`, alg })))

it('agreeOnAlgorithm returns EdDSA without audiences', () => {
  expect(agree()).toBe('EdDSA')
})

it.each(TOKEN_ALGORITHMS)('agreeOnAlgorithm returns %s when one audience or all audiences have it', (alg) => {
  expect(agree(alg)).toBe(alg)
  expect(agree(alg, alg, alg)).toBe(alg)
})

const pairs = TOKEN_ALGORITHMS.flatMap((one) =>
  TOKEN_ALGORITHMS.filter((other) => other !== one).map((other) => [one, other] as const),
)
it.each(pairs)('agreeOnAlgorithm refuses audiences with %s and %s', (one, other) => {
  expect(reasonOf(() => agree(one, other))).toBe('ALGORITHM_CONFLICT')
  expect(reasonOf(() => agree(one, one, other))).toBe('ALGORITHM_CONFLICT')
  expect(reasonOf(() => agree(one, other, one))).toBe('ALGORITHM_CONFLICT')
})

it('agreeOnAlgorithm names the algorithm of each audience in its error', () => {
  expect(() => agree('ES256', 'EdDSA', 'ES256')).toThrow(
    'ES256 for a0.example, EdDSA for a1.example, ES256 for a2.example',
  )
})
