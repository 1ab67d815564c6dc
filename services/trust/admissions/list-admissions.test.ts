import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NOW_S } from '../../../test/support/assertions.ts'
import { admissionWorld } from '../../../test/support/federation/admission-world.ts'
import {
  ACME,
  ALPHA,
  accepts,
  alpha,
  CARGO,
  EDGES,
  GAMMA,
  GUILD,
  gamma,
  letsCall,
  member,
} from '../../../test/support/federation/foreign-parties.ts'
import { operatorPrincipal } from '../../../test/support/principals.ts'
import { foreignNode } from '../decide/read-statements.ts'
import type { KnownDomain } from '../issuers/known-issuer.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW_S * 1_000 }))
afterEach(() => void vi.useRealTimers())

const asOperator = (id: string) => operatorPrincipal(id, { jti: 'assertion-1', expiresAt: NOW_S + 60 })
const AUTHOR = { edgeId: EDGES.letsCall, operatorId: CARGO, epoch: 1, home: '' }

/** Three more operators of alpha, which cargo lets call. */
const MORE = ['bolt.example', 'dock.example', 'yard.example'].map((domain, index) => ({
  domain,
  edgeId: `e0000000-0000-8000-8000-0000000001${index}0`,
  operatorId: `a0000000-0000-8000-8000-0000000001${index}0`,
  provenAt: NOW_S * 1_000,
}))
const many = {
  issuers: [
    { ...alpha, domains: new Map([...alpha.domains, ...MORE.map((each) => [each.domain, each] as const)]) },
    gamma,
  ],
  rows: [letsCall(), ...MORE.map(callBy), accepts(), member()],
}

function callBy({ domain, operatorId, edgeId }: KnownDomain) {
  const id = edgeId.replace('e0', 'e1')
  return letsCall({ id, to: foreignNode(ALPHA, domain, operatorId), subject: { operatorId, domain, home: ALPHA } })
}

describe('listAdmissions', () => {
  it('lists who may call, all that this rests on, and how long it may be used', async () => {
    const answer = await admissionWorld({ rows: [accepts(), member()] }).list()
    expect(answer).toMatchObject({
      boundOnly: false,
      position: '3-8812',
      maxAge: 1_800,
      nextPageToken: '',
      asOf: { seconds: BigInt(NOW_S + 1) },
      admissions: [
        {
          issuer: ALPHA,
          domain: 'acme.example',
          operatorId: ACME,
          edgeIds: [EDGES.alphaAcme, EDGES.accepts, EDGES.member, EDGES.gammaGuild],
          authors: [
            { ...AUTHOR, edgeId: EDGES.accepts },
            { edgeId: EDGES.member, operatorId: GUILD, epoch: 4, home: GAMMA },
          ],
        },
      ],
    })
    expect(answer.issuers.map(({ issuer, generation }) => [issuer, generation])).toEqual([
      [ALPHA, 1],
      [GAMMA, 1],
    ])
    const kids = answer.issuers.flatMap(({ keys }) => keys.map(({ kid }) => kid))
    expect(kids).toEqual([...alpha.keys.keys(), ...gamma.keys.keys()])
  })

  it('answers the owner, and refuses all others with the same words', async () => {
    const world = admissionWorld()
    expect((await world.list(asOperator(CARGO))).admissions).toHaveLength(1)
    const refusals = [
      world.list(asOperator(GUILD)),
      world.list(asOperator(ACME), { audience: 'https://api.nobody.example' }),
      world.list({ kind: 'anonymous' }),
    ]
    const errors = await Promise.all(refusals.map((refusal) => refusal.catch((error: unknown) => error)))
    const message = 'Only the owner of the audience and the administrator may list its admissions'
    for (const error of errors) expect(error).toMatchObject({ reason: 'PERMISSION_DENIED', message })
  })

  it('lists nothing for an audience of nobody, as the administrator sees it', async () => {
    expect((await admissionWorld().list(undefined, { audience: 'https://api.nobody.example' })).admissions).toEqual([])
  })

  it('ends a page between two operators, because the first fitting admission of one decides', async () => {
    const world = admissionWorld(many)
    const first = await world.list(undefined, { pageSize: 1 })
    expect(first.admissions.map(({ domain, authors }) => [domain, authors.length])).toEqual([
      ['acme.example', 1],
      ['acme.example', 2],
    ])
    const second = await world.list(undefined, { pageSize: 2, pageToken: first.nextPageToken })
    const third = await world.list(undefined, { pageSize: 2, pageToken: second.nextPageToken })
    const domains = [second, third].map(({ admissions }) => admissions.map(({ domain }) => domain))
    expect(domains).toEqual([['bolt.example', 'dock.example'], ['yard.example']])
    expect(third.nextPageToken).toBe('')
    expect(second.issuers.map(({ issuer }) => issuer)).toEqual([ALPHA])
  })

  it.each([
    ['the issuer is disabled', { issuers: [{ ...alpha, isEnabled: false }, gamma] }],
    ['the issuer speaks for no such domain', { issuers: [{ ...alpha, domains: new Map() }, gamma] }],
    ['the issuer of a signer is not known', { issuers: [alpha], rows: [accepts(), member()] }],
    ['the trust chain of the issuer has ended', { issuers: [{ ...alpha, validUntil: NOW_S * 1_000 }, gamma] }],
    ['the statement has expired', { rows: [letsCall({ exp: NOW_S })] }],
  ])('leaves out an operator if %s', async (_, options) => {
    expect((await admissionWorld(options).list()).admissions).toEqual([])
  })

  it('leaves out members of groups, instead of the whole list, if too many statements decide about them', async () => {
    const { admissions } = await admissionWorld({ rows: [letsCall(), accepts(), member()], maxEdges: 1 }).list()
    expect(admissions.map(({ edgeIds }) => edgeIds)).toEqual([[EDGES.alphaAcme, EDGES.letsCall]])
  })

  it('ends an admission two hours after the oldest proof of a domain', async () => {
    const old = { ...gamma, domains: new Map([...gamma.domains].map(([name, each]) => [name, agedBy(each, 60)])) }
    const world = admissionWorld({ issuers: [alpha, old], rows: [accepts(), member()] })
    expect((await world.list()).admissions).toMatchObject([{ expiresAt: { seconds: BigInt(NOW_S + 7_200 - 60) } }])
  })

  it('ends an admission with the trust chain of its issuer', async () => {
    const issuers = [{ ...alpha, validUntil: (NOW_S + 60) * 1_000 }, gamma]
    expect(await admissionWorld({ issuers }).list()).toMatchObject({
      admissions: [{ expiresAt: { seconds: BigInt(NOW_S + 60) } }],
      issuers: [{ keysUsableUntil: { seconds: BigInt(NOW_S + 60) } }],
    })
  })

  it('has no keys of an issuer of the kind oauth, and the shortest lifetimes without revocations', async () => {
    const oauth = { ...alpha, kind: 'oauth' as const, mode: 'none' as const }
    const { issuers } = await admissionWorld({ issuers: [oauth, gamma] }).list()
    expect(issuers).toMatchObject([{ kind: 'oauth', revocationMode: 'none', maxTokenTtl: 300, keys: [] }])
  })
})

function agedBy(domain: KnownDomain, seconds: number): KnownDomain {
  return { ...domain, provenAt: (NOW_S - seconds) * 1_000 }
}
