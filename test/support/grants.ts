import type { Hop } from '@auth4agent/core/delegation/grant-types'
import { verifyHolderStatement } from '@auth4agent/core/delegation/holder-statement'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  GetHolderStatementRequestSchema,
  IssueGrantRequestSchema,
} from '../../gen/proto/auth4agent/v1/delegation_pb.ts'
import type { Call } from '../../services/calls/call.ts'
import { createVerificationKeys } from '../../services/keys/index.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { checkAtDatabase } from '../../services/revocation/check-token.ts'
import { verifyGrantChain } from '../../services/revocation/verify-grant-chain.ts'
import { ISSUER, type TestInstance } from './authn.ts'
import { signChallenge, type TestAgent, type TestChallenge } from './authn-agents.ts'
import { DETAILS } from './grant-details.ts'
import { anonymous } from './identity.ts'

type GrantWishes = Omit<MessageInitShape<typeof IssueGrantRequestSchema>, '$typeName'>

/** Creates the calls of DelegationService of an instance. */
export function grantCalls({ authn, challenge }: TestInstance) {
  const { handlers } = authn.grants
  /** Signs a challenge and redeems it for a grant. */
  const redeemGrant = (agent: TestAgent, made: TestChallenge, wishes: GrantWishes = {}, call: Call = anonymous()) => {
    const { challenge: text, nonce } = made
    const signature = signChallenge(agent, made)
    const request = { did: agent.did, challenge: text, nonce, signature, authorizationDetails: DETAILS, ...wishes }
    return handlers.issueGrant(create(IssueGrantRequestSchema, request), call)
  }
  return {
    redeemGrant,
    /** Gets a challenge and redeems it for a grant. */
    async issueGrant(agent: TestAgent, wishes: GrantWishes = {}): Promise<string> {
      const { grant = '' } = await redeemGrant(agent, await challenge(agent.did), wishes)
      return grant
    },
    holderStatement: (did: string) =>
      handlers.getHolderStatement(create(GetHolderStatementRequestSchema, { did }), anonymous()),
  }
}

const rulesOf = (db: Db) => ({
  issuer: ISSUER,
  keys: createVerificationKeys(db.prisma, () => performance.now()).grantKeys,
})

/** Verifies a root grant with the keys in the database. */
export async function readGrant(db: Db, grant: string): Promise<Hop> {
  const verified = await verifyGrantChain(grant, rulesOf(db))
  const [root] = verified.ok ? verified.chain.hops : []
  if (root !== undefined) return root
  throw new Error(`The grant is not genuine: ${JSON.stringify(verified)}`)
}

/** Verifies a holder statement with the keys in the database. */
export async function readStatement(db: Db, text: string) {
  const verified = await verifyHolderStatement(text, rulesOf(db))
  if (verified.ok) return { ...verified.statement, kid: verified.key.kid }
  throw new Error(`The statement is not genuine: ${JSON.stringify(verified)}`)
}

/** Asks the database why a grant, or a grant to the agent of a statement, has ended. Undefined if it has not. */
export async function endOf(
  { pool }: Db,
  {
    kid,
    did,
    operatorId,
    epoch: [agentEpoch, operatorEpoch],
    id,
  }: Omit<Pick<Hop, 'kid' | 'did' | 'operatorId' | 'epoch' | 'id'>, 'id'> & { id?: string },
): Promise<Verdict | undefined> {
  const identity = { kid, jti: id ?? '', operatorId, sub: did, agentEpoch, operatorEpoch }
  return (await checkAtDatabase(pool, [identity])).answer?.verdict
}
