import { expect, it } from 'vitest'
import { readChain } from '../../../services/federation/domain/chain-shape.ts'
import { type FederationRule, federationRules } from '../../../services/federation/domain/refusal.ts'
import { type ChainResult, verifyChain } from '../../../services/federation/domain/verify-chain.ts'
import { NOW_S, signStatement } from '../../support/federation/entities.ts'
import { createRandom } from '../revocation/random.ts'
import { drawChain } from './draw-chains.ts'
import { type Judgement, judge } from './naive-judge.ts'

const CHAINS = 1_000

/** Rules that random chains cannot break: their names are canonical, and searches are tested elsewhere. */
const ELSEWHERE: readonly FederationRule[] = [
  'KEYS_MALFORMED',
  'CHAIN_NOT_FOUND',
  'NOT_FETCHED',
  'WRONG_STATEMENT',
  'FETCH_ENDPOINT_MISSING',
  'LOOP',
  'TOO_DEEP',
  'ANCHOR_UNKNOWN',
  'HINT_IGNORED',
]

it(`verifyChain and a naive judge agree on ${CHAINS} random chains, and every rule refuses some of them`, () => {
  const rules = new Map<string, number>()
  for (let seed = 1; seed <= CHAINS; seed += 1) {
    const plan = drawChain(createRandom(seed))
    const texts = plan.statements.map(signStatement)
    const read = readChain(texts)
    const ours = read.ok ? verifyChain(read.statements, plan.anchor, NOW_S) : read
    const naive = judge(texts, plan.anchor, NOW_S)
    expect(resultOf(ours), `seed ${seed}, ${plan.broken.join(', ')}, ${JSON.stringify(ours)}`).toEqual(naive)
    const rule = ours.ok ? 'ok' : ours.rule
    rules.set(rule, (rules.get(rule) ?? 0) + 1)
  }
  expect(rules.get('ok')).toBeGreaterThan(CHAINS / 5)
  const expected = Object.keys(federationRules).filter((rule) => !ELSEWHERE.some((other) => other === rule))
  expect([...rules.keys()].toSorted()).toEqual([...expected, 'ok'].toSorted())
})

function resultOf(result: ChainResult): Judgement | undefined {
  if (!result.ok) return undefined
  const { path, metadata, exp } = result.chain
  return { path, metadata: Object.fromEntries(metadata), exp }
}
