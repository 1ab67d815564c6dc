import { randomUUID } from 'node:crypto'
import { draftClaims } from '@auth4agent/core/trust/read-draft'
import type { TrustDraft } from '@auth4agent/core/trust/statement'
import type { JsonObject } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  draftBetween,
  ELSEWHERE,
  HOME,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../test/support/trust/put-statements.ts'
import { MAX_PROPOSALS, pruneProposals } from './proposal-store.ts'

const DAY_MS = 86_400_000
let world: TrustWorld
let cargo: TrustOperator
let acme: TrustOperator
let number = 0

beforeAll(async () => {
  world = await startTrustWorld()
})
afterAll(() => world.drop())
beforeEach(async () => {
  number += 1
  cargo = await world.operator(`cargo${number}.test`)
  acme = await world.operator(`acme${number}.test`)
})

const claimsOf = (draft: TrustDraft): JsonObject => JSON.parse(JSON.stringify(draftClaims(draft)))
const propose = (draft: TrustDraft, by = acme) => world.as(by.id).proposeTrust({ id: by.id, draft: claimsOf(draft) })
/** Sets since when the domain of an operator is proven. */
const provenAt = ({ id }: TrustOperator, ms: number) =>
  world.db.prisma.operator.update({ where: { id }, data: { domainVerifiedAt: new Date(ms) } })
/** Fills the list of cargo with copies of its only proposal, by others whose domains are proven as long. */
const fillUp = () =>
  world.db.pool.query(
    `INSERT INTO trust_proposals (id, proposer_id, signer_id, draft, created_at, proven_since, expires_at)
     SELECT gen_random_uuid(), gen_random_uuid(), signer_id, draft, created_at, proven_since, expires_at
     FROM trust_proposals, generate_series(2, $2) WHERE signer_id = $1`,
    [cargo.id, MAX_PROPOSALS],
  )
const dismiss = (proposalId: string, by = cargo, reason = '') =>
  world.as(by.id).dismissTrustProposal({ id: by.id, proposalId, reason })
const proposals = async () => (await world.as(cargo.id).listTrustProposals({ id: cargo.id })).proposals

describe('ProposeTrust', () => {
  it('files a draft with its signer for 7 days, and writes one audit record of the proposer', async () => {
    const draft = draftBetween(cargo, acme)
    const { proposal } = await propose(draft)
    expect(proposal).toMatchObject({
      proposer: { operatorId: acme.id, domain: acme.domain, home: HOME },
      signerId: cargo.id,
      draft: claimsOf(draft),
    })
    expect(await proposals()).toEqual([proposal])
    const records = (await world.audit()).filter(({ subject }: { subject: string }) => subject === proposal?.proposalId)
    expect(records).toMatchObject([
      { action: 'trust.propose', operatorId: acme.id, reason: `lets-call by ${cargo.domain}` },
    ])
    world.clock.now += 7 * DAY_MS - 1
    expect(await proposals()).toHaveLength(1)
    world.clock.now += 1
    expect(await proposals()).toEqual([])
  })

  it('replaces the earlier proposal of the same proposer and kind, and no other', async () => {
    const other = await world.operator(`other${number}.test`)
    await propose(draftBetween(cargo, acme))
    await propose(draftBetween(cargo, acme, 'member'))
    world.clock.now += 1
    await propose(draftBetween(cargo, other), other)
    world.clock.now += 1
    await propose({ ...draftBetween(cargo, acme), visibility: 'public' })
    const found = await proposals()
    expect(found.map(({ proposer, draft }) => [proposer?.domain, draft?.['kind'], draft?.['visibility']])).toEqual([
      [acme.domain, 'member', 'parties'],
      [other.domain, 'lets-call', 'parties'],
      [acme.domain, 'lets-call', 'public'],
    ])
  })

  it('answers the same id when the same draft is proposed again, and another one for another draft', async () => {
    const draft = draftBetween(cargo, acme)
    const first = await propose(draft)
    world.clock.now += DAY_MS
    const again = await propose(draft)
    expect(again.proposal?.proposalId).toBe(first.proposal?.proposalId)
    expect(again.proposal?.expiresAt && timestampMs(again.proposal.expiresAt)).toBe(world.clock.now + 7 * DAY_MS)
    const changed = await propose({ ...draft, visibility: 'public' })
    expect(changed.proposal?.proposalId).not.toBe(first.proposal?.proposalId)
    expect(await proposals()).toEqual([changed.proposal])
  })

  it('ends when the signer puts the statement that was proposed', async () => {
    const draft = draftBetween(cargo, acme)
    await propose(draft)
    await propose(draftBetween(cargo, acme, 'member'))
    const statement = await world.sign(cargo, draft)
    await world.as(cargo.id).putTrustStatement({ id: cargo.id, statement })
    expect((await proposals()).map(({ draft: left }) => left?.['kind'])).toEqual(['member'])
  })

  it('refuses a proposal more than the largest number, until one has expired', async () => {
    await propose(draftBetween(cargo, acme))
    await fillUp()
    const other = await world.operator(`other${number}.test`)
    await expect(propose(draftBetween(cargo, other), other)).rejects.toMatchObject({
      reason: 'PROPOSAL_LIMIT',
      message: 'At most 100 proposals may wait for an operator',
    })
    await propose(draftBetween(cargo, acme))
    world.clock.now += 7 * DAY_MS
    await propose(draftBetween(cargo, other), other)
    expect(await world.db.prisma.trustProposal.count({ where: { signerId: cargo.id } })).toBe(1)
  })

  it.each<readonly [string, (draft: TrustDraft) => TrustDraft, string]>([
    [
      'a draft about another operator',
      (draft) => ({ ...draft, sub: draft.iss, iss: draft.sub }),
      'sub of the statement must be the operator ',
    ],
    [
      'a draft of the kind blocks',
      (draft) => ({ ...draft, kind: 'blocks', grants: [] }),
      'A statement of the kind blocks cannot be proposed',
    ],
    [
      'a subject of another deployment',
      (draft) => ({ ...draft, subHome: ELSEWHERE }),
      `sub_home of the statement must be exactly ${HOME}`,
    ],
    [
      'the wrong domain of the proposer',
      (draft) => ({ ...draft, subDomain: 'evil.test' }),
      'sub_domain of the statement must be acme',
    ],
    [
      'a signer of another deployment',
      (draft) => ({ ...draft, home: ELSEWHERE }),
      `home of the statement must be exactly ${HOME}`,
    ],
    [
      'a signer that does not exist',
      (draft) => ({ ...draft, iss: '0190aaaa-0000-8000-8000-00000000000d' }),
      `iss of the statement must be an active operator of ${HOME}`,
    ],
    [
      'the wrong domain of the signer',
      (draft) => ({ ...draft, domain: 'evil.test', grants: [{ audience: 'evil.test', scopes: { read: ['read'] } }] }),
      'domain of the statement must be cargo',
    ],
  ])('refuses %s', async (_, change, detail) => {
    await expect(propose(change(draftBetween(cargo, acme)))).rejects.toMatchObject({
      reason: 'INVALID_STATEMENT',
      message: expect.stringContaining(detail),
    })
    expect(await proposals()).toEqual([])
  })

  it('refuses a draft to an operator that is not active', async () => {
    const lapsed = await world.operator(`lapsed${number}.test`, 'lapsed')
    await expect(propose(draftBetween(lapsed, acme))).rejects.toMatchObject({
      message: `iss of the statement must be an active operator of ${HOME}`,
    })
  })

  it('refuses a proposer that is not active', async () => {
    const lapsed = await world.operator(`lapsed-proposer${number}.test`, 'lapsed')
    await expect(propose(draftBetween(cargo, lapsed), lapsed)).rejects.toMatchObject({ reason: 'OPERATOR_NOT_ACTIVE' })
  })

  it.each<readonly [string, JsonObject | undefined, string]>([
    ['no draft', undefined, 'The draft of the statement must be a JSON object'],
    ['a draft with a jti', { jti: 'x' }, '"jti" of the statement is not a member of a trust statement'],
    [
      'an empty draft',
      {},
      'kind of the statement must be one of lets-call, accepts-members-of, member, blocks, chains-to',
    ],
  ])('refuses %s', async (_, draft, detail) => {
    const request = { id: acme.id, ...(draft !== undefined && { draft }) }
    await expect(world.as(acme.id).proposeTrust(request)).rejects.toMatchObject({
      reason: 'INVALID_STATEMENT',
      message: detail,
    })
  })
})

const countBy = (id: string) => world.db.prisma.trustProposal.count({ where: { signerId: cargo.id, proposerId: id } })

describe('a full list of proposals', () => {
  it('gives the place of the operator that was proven last to one that was proven earlier, and tells the loser', async () => {
    const [old, young] = [await world.operator(`old${number}.test`), await world.operator(`young${number}.test`)]
    await provenAt(acme, world.clock.now - 50 * DAY_MS)
    await provenAt(young, world.clock.now - DAY_MS)
    await provenAt(old, world.clock.now - 90 * DAY_MS)
    await propose(draftBetween(cargo, acme))
    await fillUp()
    await world.db.prisma.trustProposal.deleteMany({
      where: { id: (await proposals()).find(({ proposer }) => proposer?.operatorId !== acme.id)?.proposalId ?? '' },
    })
    const { proposal } = await propose(draftBetween(cargo, young), young)
    await propose(draftBetween(cargo, old), old)
    expect(await proposals()).toHaveLength(MAX_PROPOSALS)
    expect([await countBy(young.id), await countBy(acme.id), await countBy(old.id)]).toEqual([0, 1, 1])
    const told = (await world.audit()).filter(({ action }) => action === 'trust.displace')
    expect(told).toMatchObject([{ operatorId: young.id, subject: proposal?.proposalId, actor: 'system' }])
  })

  it('refuses any number of young operators, and keeps its proposals', async () => {
    await provenAt(acme, world.clock.now - 50 * DAY_MS)
    await propose(draftBetween(cargo, acme))
    await fillUp()
    const before = await proposals()
    for (const name of ['a', 'b', 'c']) {
      const young = await world.operator(`${name}${number}.test`)
      if (name !== 'a') await provenAt(young, world.clock.now)
      await expect(propose(draftBetween(cargo, young), young)).rejects.toMatchObject({ reason: 'PROPOSAL_LIMIT' })
    }
    expect(await proposals()).toEqual(before)
  })
})

describe('DismissTrustProposal', () => {
  it('takes one proposal from the list, refuses its proposer for 30 days, and writes one audit record', async () => {
    const { proposal } = await propose(draftBetween(cargo, acme))
    const other = await propose(draftBetween(cargo, acme, 'member'))
    const id = proposal?.proposalId ?? ''
    const answer = await dismiss(id, cargo, 'unknown to us')
    expect(answer).toMatchObject({ proposerId: acme.id })
    expect(answer.refusedUntil && timestampMs(answer.refusedUntil)).toBe(world.clock.now + 30 * DAY_MS)
    expect((await proposals()).map(({ proposalId }) => proposalId)).toEqual([other.proposal?.proposalId])
    const records = (await world.audit()).filter(({ action }) => action === 'trust.dismiss')
    expect(records).toMatchObject([{ operatorId: cargo.id, subject: id, reason: 'unknown to us' }])
    for (const kind of ['lets-call', 'member'] as const) {
      await expect(propose(draftBetween(cargo, acme, kind))).rejects.toMatchObject({
        reason: 'PROPOSAL_DISMISSED',
        message: `The operator has dismissed a proposal, so propose again after ${new Date(world.clock.now + 30 * DAY_MS).toISOString()}`,
      })
    }
    world.clock.now += 30 * DAY_MS
    await propose(draftBetween(cargo, acme))
    expect(await proposals()).toHaveLength(1)
  })

  it('changes nothing when it is repeated, and answers the same', async () => {
    const { proposal } = await propose(draftBetween(cargo, acme))
    const first = await dismiss(proposal?.proposalId ?? '')
    world.clock.now += DAY_MS
    const audits = (await world.audit()).length
    expect(await dismiss(proposal?.proposalId ?? '')).toEqual(first)
    expect(await world.audit()).toHaveLength(audits)
  })

  it('dismisses by the id that was read, though the proposer has repeated or changed the proposal since', async () => {
    const read = (await propose(draftBetween(cargo, acme))).proposal?.proposalId ?? ''
    const { proposal: kept } = await propose(draftBetween(cargo, acme, 'member'))
    for (const visibility of ['parties', 'public', 'parties'] as const) {
      await propose({ ...draftBetween(cargo, acme), visibility })
    }
    const answer = await dismiss(read)
    expect(answer).toMatchObject({ proposerId: acme.id })
    expect(await dismiss(read)).toEqual(answer)
    expect(await proposals()).toEqual([kept])
  })

  it('dismisses no proposal of another operator that was made in the same millisecond', async () => {
    const other = await world.operator(`same${number}.test`)
    const { proposal } = await propose(draftBetween(cargo, acme))
    const { proposal: kept } = await propose(draftBetween(cargo, other), other)
    await dismiss(proposal?.proposalId ?? '')
    expect(await proposals()).toEqual([kept])
  })

  it.each([
    ['below the domain of the dismissed one', (domain: string) => `new.${domain}`],
    ['far below it', (domain: string) => `a.b.${domain}`],
    ['of the same domain, which was registered again', (domain: string) => domain],
  ])('refuses an operator %s', async (_, below) => {
    const { proposal } = await propose(draftBetween(cargo, acme))
    await dismiss(proposal?.proposalId ?? '')
    await world.db.prisma.operator.update({ where: { id: acme.id }, data: { status: 'released' } })
    const other = await world.operator(below(acme.domain))
    const refused = { reason: 'PROPOSAL_DISMISSED', message: expect.stringContaining('so propose again after ') }
    await expect(propose(draftBetween(cargo, other), other)).rejects.toMatchObject(refused)
    world.clock.now += 30 * DAY_MS
    await propose(draftBetween(cargo, other), other)
    expect(await proposals()).toHaveLength(1)
  })

  it.each([
    ['above the domain of the dismissed one', 'sub.up', 'up'],
    ['whose domain only ends alike', 'alike', 'notalike'],
    ['beside it', 'one.beside', 'two.beside'],
  ])('lets an operator propose %s', async (_, dismissed, other) => {
    const [first, second] = [
      await world.operator(`${dismissed}${number}.test`),
      await world.operator(`${other}${number}.test`),
    ]
    await dismiss((await propose(draftBetween(cargo, first), first)).proposal?.proposalId ?? '')
    await propose(draftBetween(cargo, second), second)
    expect(await proposals()).toHaveLength(1)
  })

  it('of an older version, which kept no domain, refuses its proposer alone', async () => {
    const below = await world.operator(`below.${acme.domain}`)
    await dismiss((await propose(draftBetween(cargo, acme))).proposal?.proposalId ?? '')
    await world.db.prisma.trustProposal.updateMany({ where: { signerId: cargo.id }, data: { draft: {} } })
    await propose(draftBetween(cargo, below), below)
    await expect(propose(draftBetween(cargo, acme))).rejects.toMatchObject({ reason: 'PROPOSAL_DISMISSED' })
  })

  it('lets the proposer of a dismissed proposal propose to others, and others to the signer', async () => {
    const other = await world.operator(`third${number}.test`)
    await dismiss((await propose(draftBetween(cargo, acme))).proposal?.proposalId ?? '')
    await propose(draftBetween(other, acme))
    await propose(draftBetween(cargo, other), other)
    expect((await proposals()).map(({ proposer }) => proposer?.operatorId)).toEqual([other.id])
  })

  it('frees a place of a full list, and takes none', async () => {
    await propose(draftBetween(cargo, acme))
    await fillUp()
    const mine = (await proposals()).find(({ proposer }) => proposer?.operatorId === acme.id)
    await dismiss(mine?.proposalId ?? '')
    const other = await world.operator(`next${number}.test`)
    await propose(draftBetween(cargo, other), other)
    expect(await proposals()).toHaveLength(MAX_PROPOSALS)
  })

  it('ends when the signer signs a statement about the proposer', async () => {
    await dismiss((await propose(draftBetween(cargo, acme, 'member'))).proposal?.proposalId ?? '')
    const statement = await world.sign(cargo, draftBetween(cargo, acme))
    await world.as(cargo.id).putTrustStatement({ id: cargo.id, statement })
    await propose(draftBetween(cargo, acme, 'member'))
    const below = await world.operator(`below.${acme.domain}`)
    await propose(draftBetween(cargo, below), below)
    expect(await proposals()).toHaveLength(2)
  })

  it('keeps one dismissal of a proposer, with its domain in place of the draft', async () => {
    const one = await propose(draftBetween(cargo, acme))
    const two = await propose(draftBetween(cargo, acme, 'member'))
    await dismiss(one.proposal?.proposalId ?? '')
    await dismiss(two.proposal?.proposalId ?? '')
    const rows = await world.db.prisma.trustProposal.findMany({ where: { signerId: cargo.id } })
    expect(rows).toMatchObject([{ id: two.proposal?.proposalId, draft: { sub_domain: acme.domain } }])
    expect(Object.keys(rows[0]?.draft ?? {})).toEqual(['sub_domain'])
  })

  it.each([
    ['no proposal', async () => randomUUID()],
    ['no UUID', async () => 'x'],
    [
      'the proposal to another operator',
      async () => (await propose(draftBetween(acme, cargo), cargo)).proposal?.proposalId,
    ],
    [
      'a proposal that has expired',
      async () => {
        const { proposal } = await propose(draftBetween(cargo, acme))
        world.clock.now += 7 * DAY_MS
        return proposal?.proposalId
      },
    ],
  ])('refuses %s', async (_, idOf) => {
    await expect(dismiss((await idOf()) ?? '')).rejects.toMatchObject({ reason: 'PROPOSAL_NOT_FOUND' })
  })

  it('forgets the oldest dismissals beyond 1,000', async () => {
    await propose(draftBetween(cargo, acme))
    await world.db.pool.query(
      `INSERT INTO trust_proposals (id, proposer_id, signer_id, draft, dismissed_at, expires_at)
       SELECT gen_random_uuid(), gen_random_uuid(), $1, '{}', to_timestamp($2::float8 / 1000 - n), now() + interval '9 years'
       FROM generate_series(1, 1000) n`,
      [cargo.id, world.clock.now],
    )
    await dismiss((await proposals())[0]?.proposalId ?? '')
    const rows = await world.db.prisma.trustProposal.findMany({
      where: { signerId: cargo.id },
      orderBy: { dismissedAt: 'asc' },
    })
    expect(rows).toHaveLength(1_000)
    expect(rows[0]?.dismissedAt?.getTime()).toBe(world.clock.now - 999_000)
  })
})

it('pruneProposals deletes the proposals that have expired, and no other', async () => {
  const { db, clock } = world
  const signer = await world.operator(`pruned${number}.test`)
  const of = (expiresAt: Date) => ({ id: randomUUID(), signerId: signer.id, proposerId: acme.id, draft: {}, expiresAt })
  const [past, later] = [new Date(clock.now), new Date(clock.now + 1)]
  await db.prisma.trustProposal.createMany({ data: [past, later].map(of) })
  await pruneProposals(world.deps)
  expect(await db.prisma.trustProposal.findMany({ where: { signerId: signer.id } })).toMatchObject([
    { expiresAt: later },
  ])
})
