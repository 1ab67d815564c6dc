import type { TrustDraft } from '@auth4agent/core/trust/statement'
import type { JsonObject } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { describe, expect, it } from 'vitest'
import { claimsOf, useProposals } from '../../../test/support/trust/proposals.ts'
import { draftBetween, ELSEWHERE, HOME } from '../../../test/support/trust/put-statements.ts'

const DAY_MS = 86_400_000
const world = useProposals()

describe('ProposeTrust', () => {
  it('files a draft with its signer for 7 days, and writes one audit record of the proposer', async () => {
    const draft = draftBetween(world.cargo, world.acme)
    const { proposal } = await world.propose(draft)
    expect(proposal).toMatchObject({
      proposer: { operatorId: world.acme.id, domain: world.acme.domain, home: HOME },
      signerId: world.cargo.id,
      draft: claimsOf(draft),
    })
    expect(await world.proposals()).toEqual([proposal])
    const records = (await world.trust.audit()).filter(
      ({ subject }: { subject: string }) => subject === proposal?.proposalId,
    )
    expect(records).toMatchObject([
      { action: 'trust.propose', operatorId: world.acme.id, reason: `lets-call by ${world.cargo.domain}` },
    ])
    world.trust.clock.now += 7 * DAY_MS - 1
    expect(await world.proposals()).toHaveLength(1)
    world.trust.clock.now += 1
    expect(await world.proposals()).toEqual([])
  })

  it('replaces the earlier proposal of the same proposer and kind, and no other', async () => {
    const other = await world.operator('other')
    await world.propose(draftBetween(world.cargo, world.acme))
    await world.propose(draftBetween(world.cargo, world.acme, 'member'))
    world.trust.clock.now += 1
    await world.propose(draftBetween(world.cargo, other), other)
    world.trust.clock.now += 1
    await world.propose({ ...draftBetween(world.cargo, world.acme), visibility: 'public' })
    const found = await world.proposals()
    expect(found.map(({ proposer, draft }) => [proposer?.domain, draft?.['kind'], draft?.['visibility']])).toEqual([
      [world.acme.domain, 'member', 'parties'],
      [other.domain, 'lets-call', 'parties'],
      [world.acme.domain, 'lets-call', 'public'],
    ])
  })

  it('answers the same id when the same draft is proposed again, and another one for another draft', async () => {
    const draft = draftBetween(world.cargo, world.acme)
    const first = await world.propose(draft)
    world.trust.clock.now += DAY_MS
    const again = await world.propose(draft)
    expect(again.proposal?.proposalId).toBe(first.proposal?.proposalId)
    expect(again.proposal?.expiresAt && timestampMs(again.proposal.expiresAt)).toBe(world.trust.clock.now + 7 * DAY_MS)
    const changed = await world.propose({ ...draft, visibility: 'public' })
    expect(changed.proposal?.proposalId).not.toBe(first.proposal?.proposalId)
    expect(await world.proposals()).toEqual([changed.proposal])
  })

  it('ends when the signer puts the statement that was proposed', async () => {
    const draft = draftBetween(world.cargo, world.acme)
    await world.propose(draft)
    await world.propose(draftBetween(world.cargo, world.acme, 'member'))
    const statement = await world.trust.sign(world.cargo, draft)
    await world.trust.as(world.cargo.id).putTrustStatement({ id: world.cargo.id, statement })
    expect((await world.proposals()).map(({ draft: left }) => left?.['kind'])).toEqual(['member'])
  })

  it('refuses a proposal more than the largest number, until one has expired', async () => {
    await world.propose(draftBetween(world.cargo, world.acme))
    await world.fillUp()
    const other = await world.operator('other')
    await expect(world.propose(draftBetween(world.cargo, other), other)).rejects.toMatchObject({
      reason: 'PROPOSAL_LIMIT',
      message: 'At most 100 proposals may wait for an operator',
    })
    await world.propose(draftBetween(world.cargo, world.acme))
    world.trust.clock.now += 7 * DAY_MS
    await world.propose(draftBetween(world.cargo, other), other)
    expect(await world.trust.db.prisma.trustProposal.count({ where: { signerId: world.cargo.id } })).toBe(1)
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
    await expect(world.propose(change(draftBetween(world.cargo, world.acme)))).rejects.toMatchObject({
      reason: 'INVALID_STATEMENT',
      message: expect.stringContaining(detail),
    })
    expect(await world.proposals()).toEqual([])
  })

  it('refuses a draft to an operator that is not active', async () => {
    const lapsed = await world.operator('lapsed', 'lapsed')
    await expect(world.propose(draftBetween(lapsed, world.acme))).rejects.toMatchObject({
      message: `iss of the statement must be an active operator of ${HOME}`,
    })
  })

  it('refuses a proposer that is not active', async () => {
    const lapsed = await world.operator('lapsed-proposer', 'lapsed')
    await expect(world.propose(draftBetween(world.cargo, lapsed), lapsed)).rejects.toMatchObject({
      reason: 'OPERATOR_NOT_ACTIVE',
    })
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
    const request = { id: world.acme.id, ...(draft !== undefined && { draft }) }
    await expect(world.trust.as(world.acme.id).proposeTrust(request)).rejects.toMatchObject({
      reason: 'INVALID_STATEMENT',
      message: detail,
    })
  })
})
