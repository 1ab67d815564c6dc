import type { TestHolder } from '../../support/authn-agents.ts'
import { chainThrough, handOn, lastId, rootFor, SHOP } from '../../support/held-chains.ts'
import { endToken } from '../support/end-token.ts'
import type { SeededAgent } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import type { VerdictCase } from './verdict-case.ts'

/** The demands that the chains here meet. */
export const ACCEPTED = { delegation: 'accept', audience: [SHOP], scope: 'read', proof_checked: true }

/** Signs a chain of two agents of one operator. */
export function goodChain({ agents, keys }: World): Promise<string> {
  return chainThrough(keys.grants, [holderOf(agents.active), holderOf(agents.committed)])
}

const chain = (
  name: string,
  verdict: VerdictCase['verdict'],
  hop: number | undefined,
  { token = goodChain, wanted = {} }: Partial<Pick<VerdictCase, 'token' | 'wanted'>>,
): VerdictCase => ({ name, verdict, token, wanted: { ...ACCEPTED, ...wanted }, ...(hop !== undefined && { hop }) })

/** Chains that are not valid. */
export const chainCases: readonly VerdictCase[] = [
  { name: 'a chain, without delegation', verdict: 'DELEGATION_NOT_ACCEPTED', token: goodChain },
  { name: 'a forged chain, without delegation', verdict: 'DELEGATION_NOT_ACCEPTED', token: () => 'a~b' },
  chain('a chain through another domain', 'ACTOR_NOT_TRUSTED', 0, { wanted: { actors: ['bravo-operator.com'] } }),
  chain('a chain of another operator', 'OPERATOR_NOT_TRUSTED', 0, { wanted: { operators: ['bravo-operator.com'] } }),
  chain('a chain without a proof', 'PROOF_REQUIRED', 1, { wanted: { proof_checked: false } }),
  chain('a chain without the capability', 'CAPABILITY_MISSING', 0, { wanted: { scope: 'write' } }),
  chain('a chain without arguments', 'ARGUMENTS_NEEDED', 0, { wanted: { scope: 'pay' } }),
  chain('a chain with too large an argument', 'ARGUMENT_REFUSED', 0, {
    wanted: { scope: 'pay', arguments: { amount: 501 } },
  }),
  chain('a chain without its root', 'ROOT_EXPECTED', 0, {
    token: async (world) => (await goodChain(world)).replace(/^[^~]*~/, ''),
  }),
  chain('ten grants', 'CHAIN_TOO_LARGE', undefined, { token: () => Array(10).fill('a').join('~') }),
  chain('an expired root', 'GRANT_EXPIRED', 0, {
    token: ({ agents, keys }) => rootFor(keys.grants, holderOf(agents.active), { lifetime: [-900, -60] }),
  }),
  chain('a holder with an earlier epoch', 'AGENT_TOKENS_ENDED', 1, {
    async token({ agents, keys }) {
      const [first, last] = [holderOf(agents.active), holderOf(agents.committed)]
      return handOn(keys.grants, await rootFor(keys.grants, first), first, last, { epoch: [99, 1] })
    },
  }),
  chain('a revoked grant', 'TOKEN_REVOKED', 1, {
    async token(world) {
      const text = await goodChain(world)
      await endToken(world, world.operators.acme.id, lastId(text))
      return text
    },
  }),
]

/** Returns an agent of the world as a holder of grants. */
export function holderOf({ id, did, operatorId, pair }: SeededAgent): TestHolder {
  return { id, did, operatorId, key: pair.privateKey, publicKey: pair.publicKey }
}
