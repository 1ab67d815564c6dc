import { type DelegatedWish, delegatedPayload } from '../../support/delegated-tokens.ts'
import { endToken } from '../support/end-token.ts'
import type { World } from '../support/world.ts'
import { ACCEPTED, holderOf } from './chain-verdicts.ts'
import type { VerdictCase } from './verdict-case.ts'

/** Signs a token with which one agent of an operator acts for another one. */
export function goodDelegated({ agents, keys, token }: World, wish: DelegatedWish = {}, edits: object = {}): string {
  const parties = [holderOf(agents.active), holderOf(agents.committed)]
  return token({ ...delegatedPayload(parties, { kid: keys.grants.kid, ...wish }), ...edits })
}

const delegated = (
  name: string,
  verdict: VerdictCase['verdict'],
  hop: number | undefined,
  { token = goodDelegated, wanted = {} }: Partial<Pick<VerdictCase, 'token' | 'wanted'>>,
): VerdictCase => ({ name, verdict, token, wanted: { ...ACCEPTED, ...wanted }, ...(hop !== undefined && { hop }) })

const now = () => Math.floor(Date.now() / 1000)
const past = () => ({ iat: now() - 900, nbf: now() - 900, exp: now() - 60 })
const outsider = { actors: ['bravo-operator.com'] }

/** Delegated tokens that are not valid. */
export const delegatedCases: readonly VerdictCase[] = [
  {
    name: 'a delegated token, without delegation',
    verdict: 'DELEGATION_NOT_ACCEPTED',
    token: (world) => goodDelegated(world),
  },
  {
    name: 'a delegated token, without delegation, although the proof was checked',
    verdict: 'DELEGATION_NOT_ACCEPTED',
    token: (world) => goodDelegated(world),
    wanted: { proof_checked: true },
  },
  delegated('a delegated token whose act is another', 'MALFORMED_TOKEN', undefined, {
    token: (world) => goodDelegated(world, {}, { act: { sub: world.agents.active.did } }),
  }),
  delegated('a delegated token without a lineage', 'MALFORMED_TOKEN', undefined, {
    token: (world) => goodDelegated(world, {}, { a4a_lineage: undefined }),
  }),
  delegated('a delegated token without a key', 'MALFORMED_TOKEN', undefined, {
    token: (world) => goodDelegated(world, {}, { cnf: undefined }),
  }),
  delegated('an expired delegated token', 'TOKEN_EXPIRED', undefined, {
    token: (world) => goodDelegated(world, past()),
  }),
  delegated('a delegated token through another domain', 'ACTOR_NOT_TRUSTED', 0, { wanted: outsider }),
  delegated('a delegated token of another operator', 'OPERATOR_NOT_TRUSTED', 0, {
    wanted: { operators: ['bravo-operator.com'] },
  }),
  delegated('a delegated token without a result of attestation', 'ATTESTATION_REQUIRED', undefined, {
    wanted: { operators: ['acme-operator.com'], attestation: {} },
  }),
  delegated('a delegated token without a proof', 'PROOF_REQUIRED', 1, { wanted: { proof_checked: false } }),
  delegated('a delegated token without the scope', 'CAPABILITY_MISSING', undefined, { wanted: { scope: 'write' } }),
  delegated('a delegated token without arguments', 'ARGUMENTS_NEEDED', undefined, { wanted: { scope: 'pay' } }),
  delegated('a delegated token with too large an argument', 'ARGUMENT_REFUSED', undefined, {
    wanted: { scope: 'pay', arguments: { amount: 501 } },
  }),
  delegated('a delegated token with an earlier epoch of its actor', 'AGENT_TOKENS_ENDED', 1, {
    token(world) {
      const { active, committed } = world.agents
      const entry = ({ did, operatorId }: typeof active, agentEpoch: number) => [
        operatorId,
        did,
        agentEpoch,
        1,
        'grant',
        world.keys.grants.kid,
      ]
      return goodDelegated(world, {}, { a4a_lineage: [entry(active, 1), entry(committed, 99)] })
    },
  }),
  delegated('a revoked delegated token', 'TOKEN_REVOKED', undefined, {
    async token(world) {
      const jti = crypto.randomUUID()
      await endToken(world, world.operators.acme.id, jti)
      return goodDelegated(world, { jti })
    },
  }),
]
