import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { useProposals } from '../../../test/support/trust/proposals.ts'
import { draftBetween, type TrustOperator } from '../../../test/support/trust/put-statements.ts'
import { MAX_PROPOSALS, pruneProposals } from './proposal-store.ts'

const DAY_MS = 86_400_000
const world = useProposals()
/** Sets since when the domain of an operator is proven. */
const provenAt = ({ id }: TrustOperator, ms: number) =>
  world.trust.db.prisma.operator.update({ where: { id }, data: { domainVerifiedAt: new Date(ms) } })

const countBy = (id: string) =>
  world.trust.db.prisma.trustProposal.count({ where: { signerId: world.cargo.id, proposerId: id } })

describe('a full list of proposals', () => {
  it('gives the place of the operator that was proven last to one that was proven earlier, and tells the loser', async () => {
    const [old, young] = [await world.operator('old'), await world.operator('young')]
    await provenAt(world.acme, world.trust.clock.now - 50 * DAY_MS)
    await provenAt(young, world.trust.clock.now - DAY_MS)
    await provenAt(old, world.trust.clock.now - 90 * DAY_MS)
    await world.propose(draftBetween(world.cargo, world.acme))
    await world.fillUp()
    await world.trust.db.prisma.trustProposal.deleteMany({
      where: {
        id: (await world.proposals()).find(({ proposer }) => proposer?.operatorId !== world.acme.id)?.proposalId ?? '',
      },
    })
    const { proposal } = await world.propose(draftBetween(world.cargo, young), young)
    await world.propose(draftBetween(world.cargo, old), old)
    expect(await world.proposals()).toHaveLength(MAX_PROPOSALS)
    expect([await countBy(young.id), await countBy(world.acme.id), await countBy(old.id)]).toEqual([0, 1, 1])
    const told = (await world.trust.audit()).filter(({ action }) => action === 'trust.displace')
    expect(told).toMatchObject([{ operatorId: young.id, subject: proposal?.proposalId, actor: 'system' }])
  })

  it('refuses any number of young operators, and keeps its proposals', async () => {
    await provenAt(world.acme, world.trust.clock.now - 50 * DAY_MS)
    await world.propose(draftBetween(world.cargo, world.acme))
    await world.fillUp()
    const before = await world.proposals()
    for (const name of ['a', 'b', 'c']) {
      const young = await world.operator(name)
      if (name !== 'a') await provenAt(young, world.trust.clock.now)
      await expect(world.propose(draftBetween(world.cargo, young), young)).rejects.toMatchObject({
        reason: 'PROPOSAL_LIMIT',
      })
    }
    expect(await world.proposals()).toEqual(before)
  })
})

it('pruneProposals deletes the proposals that have expired, and no other', async () => {
  const { db, clock } = world.trust
  const signer = await world.operator('pruned')
  const of = (expiresAt: Date) => ({
    id: randomUUID(),
    signerId: signer.id,
    proposerId: world.acme.id,
    draft: {},
    expiresAt,
  })
  const [past, later] = [new Date(clock.now), new Date(clock.now + 1)]
  await db.prisma.trustProposal.createMany({ data: [past, later].map(of) })
  await pruneProposals(world.trust.deps)
  expect(await db.prisma.trustProposal.findMany({ where: { signerId: signer.id } })).toMatchObject([
    { expiresAt: later },
  ])
})
