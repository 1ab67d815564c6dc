import { expect, it } from 'vitest'
import { ANCHOR, NOW_S, SUBJECT } from '../../../test/support/federation/entities.ts'
import { createNetwork } from '../../../test/support/federation/network.ts'
import { ODD_URLS } from '../../../test/support/odd-urls.ts'
import { StatementCollector } from './collect-statements.ts'
import { ResolutionBudget } from './resolution-budget.ts'

const now = () => NOW_S * 1_000

it('StatementCollector takes one signature for a configuration, and none for the same one again', async () => {
  const budget = new ResolutionBudget(now, undefined)
  const { texts } = createNetwork({ [SUBJECT]: [ANCHOR] })
  const collector = new StatementCollector(async (url) => texts.get(url) ?? '', budget, now)
  await collector.configuration(SUBJECT)
  await collector.configuration(SUBJECT)
  expect(budget.takeSignatures(200)).toBe(false)
  expect(budget.takeSignatures(199)).toBe(true)
})

it('StatementCollector refuses a configuration when no signature is left', async () => {
  const budget = new ResolutionBudget(now, undefined)
  budget.takeSignatures(200)
  const { texts } = createNetwork({ [SUBJECT]: [ANCHOR] })
  const collector = new StatementCollector(async (url) => texts.get(url) ?? '', budget, now)
  const text = 'The search may verify no more signatures'
  expect(await collector.configuration(SUBJECT)).toEqual({ ok: false, rule: 'NOT_FETCHED', text })
})

it.each<readonly [string, unknown]>([
  ...ODD_URLS,
  ['http to another machine', 'http://as.example/a'],
  ['a list', ['https://as.example/a']],
])('StatementCollector asks no fetch endpoint with %s', async (_name, endpoint) => {
  const { texts } = createNetwork({ [SUBJECT]: [ANCHOR] }, (iss, sub) =>
    iss === ANCHOR && sub === ANCHOR
      ? { metadata: { federation_entity: { federation_fetch_endpoint: endpoint } } }
      : {},
  )
  const asked: string[] = []
  const fetch = async (url: string) => {
    asked.push(url)
    return texts.get(url) ?? ''
  }
  const collector = new StatementCollector(fetch, new ResolutionBudget(now, undefined), now)
  const superior = await collector.configuration(ANCHOR)
  if (!superior.ok) throw new Error(superior.text)
  const answer = await collector.statement(superior.statement, SUBJECT)
  expect(answer).toMatchObject({ ok: false, rule: 'FETCH_ENDPOINT_MISSING' })
  expect(asked).toEqual([`${ANCHOR}/.well-known/openid-federation`])
})

it('ResolutionBudget says which limit was reached first, and still verifies after the last fetch', () => {
  const budget = new ResolutionBudget(now, undefined)
  for (let fetches = 0; fetches < 32; fetches += 1) budget.takeFetch(1)
  expect([budget.cut, budget.takeFetch(1), budget.cut]).toEqual([undefined, undefined, 'fetches'])
  expect([budget.takeSignatures(200), budget.takeSignatures(1), budget.cut]).toEqual([true, false, 'fetches'])
})
