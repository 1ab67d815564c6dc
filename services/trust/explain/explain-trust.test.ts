import { describe, expect, it } from 'vitest'
import { DOCK, explainWorld, linesOf } from '../../../test/support/federation/explain-world.ts'
import {
  ACME,
  ALPHA,
  accepts,
  BETA,
  CARGO,
  EDGES,
  GAMMA,
  member,
} from '../../../test/support/federation/foreign-parties.ts'

const BOLT = 'b0000000-0000-8000-8000-000000000001'

describe('a yes', () => {
  it('shows who signed what and until when, to the administrator', async () => {
    const answer = await explainWorld({ rows: [accepts(), member()] }).explain()
    expect(answer).toMatchObject({ allowed: true, position: '3-8812', effectiveScopes: ['orders:read'] })
    expect(answer.legs[0]?.path).toMatchObject([
      { kind: 'admits', from: BETA, to: ALPHA },
      {
        kind: 'speaks-for',
        edgeId: EDGES.alphaAcme,
        from: 'acme.example',
        to: ALPHA,
        proof: `v=a4a1; iss=${ALPHA}; op=${ACME}; rk=${'k'.repeat(43)}`,
      },
    ])
    expect(answer.legs[1]?.path).toMatchObject([
      { kind: 'accepts-members-of', edgeId: EDGES.accepts, proof: `JWS of ${EDGES.accepts}` },
      {
        kind: 'member',
        edgeId: EDGES.member,
        from: 'guild.example',
        to: 'acme.example',
        proof: `JWS of ${EDGES.member}`,
      },
    ])
  })
})

describe('attack 30: the asker', () => {
  const DENIED = { reason: 'PERMISSION_DENIED' }

  it.each<[string, object, string, object | undefined]>([
    ['who owns the audience may ask', {}, CARGO, undefined],
    ["who is the caller's operator may ask", { from: 'dock.example' }, DOCK, undefined],
    ['may name itself by its id', { from: DOCK, home: BETA }, DOCK, undefined],
    ['may not ask about two others', {}, DOCK, DENIED],
    ['may not ask about its domain at another deployment', { from: 'dock.example', home: ALPHA }, DOCK, DENIED],
    ['may not ask about an unknown domain', { from: 'x.example' }, DOCK, DENIED],
    ['may not learn whether an operator id is known', { from: BOLT }, DOCK, DENIED],
  ])('%s', async (_name, changes, asker, refusal) => {
    const asked = explainWorld().explain(changes, asker)
    if (refusal === undefined) await asked
    else await expect(asked).rejects.toMatchObject(refusal)
  })

  it('sees only the kind of a statement between two others', async () => {
    const { legs } = await explainWorld({ rows: [accepts(), member()] }).explain({}, CARGO)
    expect(legs[1]?.path).toMatchObject([
      { kind: 'accepts-members-of', to: 'guild.example' },
      { kind: 'member', edgeId: '', from: '', to: '', proof: '' },
    ])
    expect(legs[1]?.path[1]?.expiresAt).toBeUndefined()
    expect(legs[2]?.path).toMatchObject([{ to: ALPHA }, { to: '' }])
  })

  it('sees a statement between two others that is public', async () => {
    const world = explainWorld({ rows: [accepts(), member()], public: [EDGES.member] })
    expect((await world.explain({}, CARGO)).legs[1]?.path[1]).toMatchObject({ from: 'guild.example' })
  })

  it('gets no cure that rests on a membership which it may not see', async () => {
    const options = { rows: [member()] }
    const accept = expect.stringContaining('--kind accepts-members-of')
    expect(await linesOf('permission', options)).toEqual(expect.arrayContaining([accept]))
    expect(await linesOf('permission', options, {}, CARGO)).not.toEqual(expect.arrayContaining([accept]))
  })

  it('does not learn whose log is stale behind a statement that it may not see', async () => {
    const world = explainWorld({ rows: [accepts(), member()] })
    world.logs.delete(GAMMA)
    const { legs } = await world.explain({}, CARGO)
    expect(legs[2]).toMatchObject({ ok: false, missing: { to: '', state: 'stale' }, cures: [] })
  })
})
