import { describe, expect, it } from 'vitest'
import { PUBLIC_SERVICES } from './public-services.ts'
import { POLICY_TABLES, SERVER_SCOPES } from './server-scopes.ts'

describe('SERVER_SCOPES', () => {
  it('rests on the policies of every public service', () => {
    expect(new Set(POLICY_TABLES.keys())).toEqual(new Set(Object.values(PUBLIC_SERVICES).flat()))
    for (const [service, table] of POLICY_TABLES) {
      expect(new Set(Object.keys(table))).toEqual(new Set(service.methods.map(({ localName }) => localName)))
    }
  })

  it('has each scope that a policy accepts, with every role that the calls of the scope need', () => {
    expect(Object.fromEntries(SERVER_SCOPES)).toEqual({ 'ssf.read': ['any'], 'ssf.manage': ['policy', 'any'] })
    const accepted = [...POLICY_TABLES.values()]
      .flatMap((table) => Object.values(table))
      .flatMap(({ scopes = [] }) => scopes)
    expect(new Set(SERVER_SCOPES.keys())).toEqual(new Set(accepted))
  })
})

it('urgent calls, and no others, count against the rates of urgent calls', () => {
  const lines = [...POLICY_TABLES].flatMap(([service, table]) =>
    Object.entries(table).map(([name, line]) => ({
      name: `${service.name}/${name}`,
      isUrgent: 'urgent' in line,
      isLimited: 'limit' in line && line.limit === 'urgent',
    })),
  )
  expect(lines.filter(({ isUrgent, isLimited }) => isUrgent !== isLimited)).toEqual([])
  expect(lines.filter(({ isUrgent }) => isUrgent).length).toBeGreaterThan(10)
})
