import { Registry } from 'prom-client'
import { expect, it, onTestFinished, vi } from 'vitest'
import { type IssuerFacts, showIssuers } from './issuer-metrics.ts'

it('shows how old the knowledge of each enabled issuer is', async () => {
  vi.useFakeTimers({ now: 100_000 })
  onTestFinished(() => void vi.useRealTimers())
  const registry = new Registry()
  let facts: IssuerFacts[] = [
    { issuer: 'https://a.example', keysAsOf: 70_000, revocationsAsOf: 99_000, followsLog: true },
    { issuer: 'https://b.example', keysAsOf: undefined, revocationsAsOf: undefined, followsLog: true },
    { issuer: 'https://c.example', keysAsOf: 40_000, revocationsAsOf: undefined, followsLog: false },
  ]
  showIssuers(registry, () => facts)
  const values = async () =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  expect(await values()).toEqual([
    'auth4agent_issuer_keys_age_seconds{issuer="https://a.example"} 30',
    'auth4agent_issuer_keys_age_seconds{issuer="https://b.example"} +Inf',
    'auth4agent_issuer_keys_age_seconds{issuer="https://c.example"} 60',
    'auth4agent_issuer_revocations_age_seconds{issuer="https://a.example"} 1',
    'auth4agent_issuer_revocations_age_seconds{issuer="https://b.example"} +Inf',
  ])
  facts = []
  expect(await values()).toEqual([])
})
