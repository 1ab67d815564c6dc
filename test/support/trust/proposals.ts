import { draftClaims } from '@auth4agent/core/trust/read-draft'
import type { TrustDraft } from '@auth4agent/core/trust/statement'
import type { JsonObject } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { OperatorStatus } from '../../../gen/prisma/enums.ts'
import { MAX_PROPOSALS } from '../../../services/trust/statements/proposal-store.ts'
import { startTrustWorld, type TrustOperator, type TrustWorld } from './put-statements.ts'

/** Returns the claims of a draft as a request has them. */
export const claimsOf = (draft: TrustDraft): JsonObject => JSON.parse(JSON.stringify(draftClaims(draft)))

/**
 * Starts a deployment before the tests of a file. Each test has two operators of its own: cargo signs, and acme
 * proposes.
 */
export function useProposals() {
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
  return {
    get trust() {
      return world
    },
    get cargo() {
      return cargo
    },
    get acme() {
      return acme
    },
    /** Registers a further operator, whose domain no other test has. */
    operator: (name: string, status?: OperatorStatus) => world.operator(`${name}${number}.test`, status),
    propose: (draft: TrustDraft, by = acme) => world.as(by.id).proposeTrust({ id: by.id, draft: claimsOf(draft) }),
    dismiss: (proposalId: string, by = cargo, reason = '') =>
      world.as(by.id).dismissTrustProposal({ id: by.id, proposalId, reason }),
    /** Returns the proposals that wait for cargo. */
    proposals: async () => (await world.as(cargo.id).listTrustProposals({ id: cargo.id })).proposals,
    /** Fills the list of cargo with copies of its only proposal, by others whose domains are proven as long. */
    fillUp: () =>
      world.db.pool.query(
        `INSERT INTO trust_proposals (id, proposer_id, signer_id, draft, created_at, proven_since, expires_at)
         SELECT gen_random_uuid(), gen_random_uuid(), signer_id, draft, created_at, proven_since, expires_at
         FROM trust_proposals, generate_series(2, $2) WHERE signer_id = $1`,
        [cargo.id, MAX_PROPOSALS],
      ),
  }
}
