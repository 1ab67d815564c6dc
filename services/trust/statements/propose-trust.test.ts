import { draftClaims } from '@auth4agent/core/trust/read-draft'
import type { TrustDraft } from '@auth4agent/core/trust/statement'
import type { JsonObject } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  draftBetween,
  ELSEWHERE,
  HOME,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../test/support/trust/put-statements.ts'
import { MAX_PROPOSALS } from './propose-trust.ts'

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
    await world.db.pool.query(
      `INSERT INTO trust_proposals SELECT gen_random_uuid(), gen_random_uuid(), signer_id, draft, created_at, expires_at
       FROM trust_proposals, generate_series(2, $2) WHERE signer_id = $1`,
      [cargo.id, MAX_PROPOSALS],
    )
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
