import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../../test/support/assertions.ts'
import { chainingWorld } from '../../../../test/support/federation/chaining-world.ts'
import { ALPHA, AUDIENCE, CARGO, GAMMA, letsCall } from '../../../../test/support/federation/foreign-parties.ts'
import { type WorldOptions } from '../../../../test/support/federation/foreign-world.ts'
import type { StatementRow } from '../../decide/read-statements.ts'
import type { AuthorityQuestion } from './find-authority.ts'

const ID = 'e0000000-0000-8000-8000-00000000000d'
const MAP = { 'orders:read': ['read'], 'orders:write': ['write', 'read'] }

/** cargo lets its agents carry authority to alpha. */
function chainsTo(change: Partial<StatementRow> = {}): StatementRow {
  const grants = [{ audience: '', scopes: MAP }]
  return letsCall({ id: ID, kind: 'chains-to', to: ALPHA, grants, ...change })
}

const ALLOWED = { scopes: ['read'], edge: ID, exp: NOW_S + 86_400 }
const QUESTION: AuthorityQuestion = { operatorId: CARGO, issuer: ALPHA, resource: AUDIENCE, scopes: ['orders:read'] }

const find = (options: WorldOptions, change: Partial<AuthorityQuestion> = {}) =>
  chainingWorld(options).chaining.findAuthority({ ...QUESTION, ...change })

describe('findAuthority', () => {
  it('returns the scopes in the words of the statement', async () => {
    expect(await find({ rows: [chainsTo()] })).toEqual(ALLOWED)
    const scopes = ['orders:read', 'orders:write']
    expect(await find({ rows: [chainsTo()] }, { scopes })).toEqual({ ...ALLOWED, scopes: ['read', 'write'] })
  })

  it('accepts a statement that names the audience', async () => {
    const rows = [chainsTo({ grants: [{ audience: AUDIENCE, scopes: MAP }] })]
    expect(await find({ rows })).toEqual(ALLOWED)
    expect(await find({ rows }, { resource: `${AUDIENCE}/` })).toEqual({ refused: 'resource' })
  })

  it.each<[string, string, readonly StatementRow[], Partial<AuthorityQuestion>?]>([
    ['issuer', 'without a statement', []],
    ['issuer', 'for another issuer', [chainsTo()], { issuer: GAMMA }],
    ['issuer', 'for another operator', [chainsTo({ from: 'another' })]],
    ['issuer', 'when the statement has expired', [chainsTo({ exp: NOW_S })]],
    ['issuer', 'by a statement of another kind', [chainsTo({ kind: 'lets-call' })]],
    ['issuer', 'by a statement of another deployment', [chainsTo({ issuer: GAMMA })]],
    ['scope', 'when a scope is not mapped', [chainsTo()], { scopes: ['orders:read', 'orders:admin'] }],
  ])('refuses the %s %s', async (refused, _when, rows, change) => {
    expect(await find({ rows }, change)).toEqual({ refused })
  })

  it('reads again what the copy lacks, or what has ended of it', async () => {
    expect(await find({ rows: [], fresh: { rows: [chainsTo()] } })).toEqual(ALLOWED)
    const world = chainingWorld({ rows: [chainsTo()], fresh: { rows: [chainsTo({ id: `${ID.slice(0, -1)}e` })] } })
    world.record('edge', { subject: ID })
    expect(await world.chaining.findAuthority(QUESTION)).toEqual({ ...ALLOWED, edge: `${ID.slice(0, -1)}e` })
    expect(world.asked.database).toBe(1)
  })

  it.each([
    ['the statement', 'edge', { subject: ID }],
    ['the operator', 'operator', { operatorId: CARGO, minimumEpoch: 2 }],
  ] as const)('refuses what a record ends: %s', async (_what, kind, ending) => {
    const world = chainingWorld({ rows: [chainsTo()] })
    world.record(kind, ending)
    expect(await world.chaining.findAuthority(QUESTION)).toEqual({ refused: 'ended' })
  })
})
