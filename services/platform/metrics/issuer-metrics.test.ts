import { Registry } from 'prom-client'
import { expect, it, onTestFinished, vi } from 'vitest'
import { type IssuerFacts, showAnchors, showIssuers } from './issuer-metrics.ts'

it('shows how old the knowledge of each enabled issuer is', async () => {
  vi.useFakeTimers({ now: 100_000 })
  onTestFinished(() => void vi.useRealTimers())
  const registry = new Registry()
  const known = { keysAsOf: undefined, revocationsAsOf: undefined, followsLog: true, chainDueAt: undefined }
  let facts: IssuerFacts[] = [
    { ...known, issuer: 'https://a.example', keysAsOf: 70_000, revocationsAsOf: 99_000 },
    { ...known, issuer: 'https://b.example', chainDueAt: 0 },
    { ...known, issuer: 'https://c.example', keysAsOf: 40_000, followsLog: false, chainDueAt: 40_000 },
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
    'auth4agent_issuer_chain_overdue_seconds{issuer="https://b.example"} +Inf',
    'auth4agent_issuer_chain_overdue_seconds{issuer="https://c.example"} 60',
  ])
  facts = []
  expect(await values()).toEqual([])
})

it('shows how many keys of each trust anchor are not pinned', async () => {
  const registry = new Registry()
  showAnchors(registry, () => [{ entityId: 'https://anchor.example', unpinned: 2 }])
  expect(await registry.metrics()).toContain('auth4agent_trust_anchor_unpinned_keys{anchor="https://anchor.example"} 2')
})
