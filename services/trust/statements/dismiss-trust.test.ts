import { randomUUID } from 'node:crypto'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { describe, expect, it } from 'vitest'
import { useProposals } from '../../../test/support/trust/proposals.ts'
import { draftBetween } from '../../../test/support/trust/put-statements.ts'
import { MAX_PROPOSALS } from './proposal-store.ts'

const DAY_MS = 86_400_000
const world = useProposals()

describe('DismissTrustProposal', () => {
  it('takes one proposal from the list, refuses its proposer for 30 days, and writes one audit record', async () => {
    const { proposal } = await world.propose(draftBetween(world.cargo, world.acme))
    const other = await world.propose(draftBetween(world.cargo, world.acme, 'member'))
    const id = proposal?.proposalId ?? ''
    const answer = await world.dismiss(id, world.cargo, 'unknown to us')
    expect(answer).toMatchObject({ proposerId: world.acme.id })
    expect(answer.refusedUntil && timestampMs(answer.refusedUntil)).toBe(world.trust.clock.now + 30 * DAY_MS)
    expect((await world.proposals()).map(({ proposalId }) => proposalId)).toEqual([other.proposal?.proposalId])
    const records = (await world.trust.audit()).filter(({ action }) => action === 'trust.dismiss')
    expect(records).toMatchObject([{ operatorId: world.cargo.id, subject: id, reason: 'unknown to us' }])
    for (const kind of ['lets-call', 'member'] as const) {
      await expect(world.propose(draftBetween(world.cargo, world.acme, kind))).rejects.toMatchObject({
        reason: 'PROPOSAL_DISMISSED',
        message: `The operator has dismissed a proposal, so propose again after ${new Date(world.trust.clock.now + 30 * DAY_MS).toISOString()}`,
      })
    }
    world.trust.clock.now += 30 * DAY_MS
    await world.propose(draftBetween(world.cargo, world.acme))
    expect(await world.proposals()).toHaveLength(1)
  })

  it('changes nothing when it is repeated, and answers the same', async () => {
    const { proposal } = await world.propose(draftBetween(world.cargo, world.acme))
    const first = await world.dismiss(proposal?.proposalId ?? '')
    world.trust.clock.now += DAY_MS
    const audits = (await world.trust.audit()).length
    expect(await world.dismiss(proposal?.proposalId ?? '')).toEqual(first)
    expect(await world.trust.audit()).toHaveLength(audits)
  })

  it('dismisses by the id that was read, though the proposer has repeated or changed the proposal since', async () => {
    const read = (await world.propose(draftBetween(world.cargo, world.acme))).proposal?.proposalId ?? ''
    const { proposal: kept } = await world.propose(draftBetween(world.cargo, world.acme, 'member'))
    for (const visibility of ['parties', 'public', 'parties'] as const) {
      await world.propose({ ...draftBetween(world.cargo, world.acme), visibility })
    }
    const answer = await world.dismiss(read)
    expect(answer).toMatchObject({ proposerId: world.acme.id })
    expect(await world.dismiss(read)).toEqual(answer)
    expect(await world.proposals()).toEqual([kept])
  })

  it('dismisses no proposal of another operator that was made in the same millisecond', async () => {
    const other = await world.operator('same')
    const { proposal } = await world.propose(draftBetween(world.cargo, world.acme))
    const { proposal: kept } = await world.propose(draftBetween(world.cargo, other), other)
    await world.dismiss(proposal?.proposalId ?? '')
    expect(await world.proposals()).toEqual([kept])
  })

  it.each([
    ['below the domain of the dismissed one', (domain: string) => `new.${domain}`],
    ['far below it', (domain: string) => `a.b.${domain}`],
    ['of the same domain, which was registered again', (domain: string) => domain],
  ])('refuses an operator %s', async (_, below) => {
    const { proposal } = await world.propose(draftBetween(world.cargo, world.acme))
    await world.dismiss(proposal?.proposalId ?? '')
    await world.trust.db.prisma.operator.update({ where: { id: world.acme.id }, data: { status: 'released' } })
    const other = await world.trust.operator(below(world.acme.domain))
    const refused = { reason: 'PROPOSAL_DISMISSED', message: expect.stringContaining('so propose again after ') }
    await expect(world.propose(draftBetween(world.cargo, other), other)).rejects.toMatchObject(refused)
    world.trust.clock.now += 30 * DAY_MS
    await world.propose(draftBetween(world.cargo, other), other)
    expect(await world.proposals()).toHaveLength(1)
  })

  it.each([
    ['above the domain of the dismissed one', 'sub.up', 'up'],
    ['whose domain only ends alike', 'alike', 'notalike'],
    ['beside it', 'one.beside', 'two.beside'],
  ])('lets an operator propose %s', async (_, dismissed, other) => {
    const [first, second] = [await world.operator(dismissed), await world.operator(other)]
    await world.dismiss((await world.propose(draftBetween(world.cargo, first), first)).proposal?.proposalId ?? '')
    await world.propose(draftBetween(world.cargo, second), second)
    expect(await world.proposals()).toHaveLength(1)
  })

  it('of an older version, which kept no domain, refuses its proposer alone', async () => {
    const below = await world.trust.operator(`below.${world.acme.domain}`)
    await world.dismiss((await world.propose(draftBetween(world.cargo, world.acme))).proposal?.proposalId ?? '')
    await world.trust.db.prisma.trustProposal.updateMany({ where: { signerId: world.cargo.id }, data: { draft: {} } })
    await world.propose(draftBetween(world.cargo, below), below)
    await expect(world.propose(draftBetween(world.cargo, world.acme))).rejects.toMatchObject({
      reason: 'PROPOSAL_DISMISSED',
    })
  })

  it('lets the proposer of a dismissed proposal propose to others, and others to the signer', async () => {
    const other = await world.operator('third')
    await world.dismiss((await world.propose(draftBetween(world.cargo, world.acme))).proposal?.proposalId ?? '')
    await world.propose(draftBetween(other, world.acme))
    await world.propose(draftBetween(world.cargo, other), other)
    expect((await world.proposals()).map(({ proposer }) => proposer?.operatorId)).toEqual([other.id])
  })

  it('frees a place of a full list, and takes none', async () => {
    await world.propose(draftBetween(world.cargo, world.acme))
    await world.fillUp()
    const mine = (await world.proposals()).find(({ proposer }) => proposer?.operatorId === world.acme.id)
    await world.dismiss(mine?.proposalId ?? '')
    const other = await world.operator('next')
    await world.propose(draftBetween(world.cargo, other), other)
    expect(await world.proposals()).toHaveLength(MAX_PROPOSALS)
  })

  it('ends when the signer signs a statement about the proposer', async () => {
    await world.dismiss(
      (await world.propose(draftBetween(world.cargo, world.acme, 'member'))).proposal?.proposalId ?? '',
    )
    const statement = await world.trust.sign(world.cargo, draftBetween(world.cargo, world.acme))
    await world.trust.as(world.cargo.id).putTrustStatement({ id: world.cargo.id, statement })
    await world.propose(draftBetween(world.cargo, world.acme, 'member'))
    const below = await world.trust.operator(`below.${world.acme.domain}`)
    await world.propose(draftBetween(world.cargo, below), below)
    expect(await world.proposals()).toHaveLength(2)
  })

  it('keeps one dismissal of a proposer, with its domain in place of the draft', async () => {
    const one = await world.propose(draftBetween(world.cargo, world.acme))
    const two = await world.propose(draftBetween(world.cargo, world.acme, 'member'))
    await world.dismiss(one.proposal?.proposalId ?? '')
    await world.dismiss(two.proposal?.proposalId ?? '')
    const rows = await world.trust.db.prisma.trustProposal.findMany({ where: { signerId: world.cargo.id } })
    expect(rows).toMatchObject([{ id: two.proposal?.proposalId, draft: { sub_domain: world.acme.domain } }])
    expect(Object.keys(rows[0]?.draft ?? {})).toEqual(['sub_domain'])
  })

  it.each([
    ['no proposal', async () => randomUUID()],
    ['no UUID', async () => 'x'],
    [
      'the proposal to another operator',
      async () => (await world.propose(draftBetween(world.acme, world.cargo), world.cargo)).proposal?.proposalId,
    ],
    [
      'a proposal that has expired',
      async () => {
        const { proposal } = await world.propose(draftBetween(world.cargo, world.acme))
        world.trust.clock.now += 7 * DAY_MS
        return proposal?.proposalId
      },
    ],
  ])('refuses %s', async (_, idOf) => {
    await expect(world.dismiss((await idOf()) ?? '')).rejects.toMatchObject({ reason: 'PROPOSAL_NOT_FOUND' })
  })

  it('forgets the oldest dismissals beyond 1,000', async () => {
    await world.propose(draftBetween(world.cargo, world.acme))
    await world.trust.db.pool.query(
      `INSERT INTO trust_proposals (id, proposer_id, signer_id, draft, dismissed_at, expires_at)
       SELECT gen_random_uuid(), gen_random_uuid(), $1, '{}', to_timestamp($2::float8 / 1000 - n), now() + interval '9 years'
       FROM generate_series(1, 1000) n`,
      [world.cargo.id, world.trust.clock.now],
    )
    await world.dismiss((await world.proposals())[0]?.proposalId ?? '')
    const rows = await world.trust.db.prisma.trustProposal.findMany({
      where: { signerId: world.cargo.id },
      orderBy: { dismissedAt: 'asc' },
    })
    expect(rows).toHaveLength(1_000)
    expect(rows[0]?.dismissedAt?.getTime()).toBe(world.trust.clock.now - 999_000)
  })
})
