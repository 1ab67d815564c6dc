import type { VerifierOptions } from '@auth4agent/verifier'
import { ISSUER } from '../../support/assertions.ts'
import { type DelegatedWish, delegatedPayload } from '../../support/delegated-tokens.ts'
import { type GrantIssuer, grantIssuer, type Holder, newHolder, SHOP, TOOLS } from './chains.ts'

const { [`${SHOP}#pay`]: PAY } = TOOLS

/** Signs a delegated token with which the last holder acts for the first, as the server does. */
export function delegatedToken(
  { issuer: { key }, grantKid }: GrantIssuer,
  holders: readonly Holder[],
  wish: DelegatedWish = {},
  edits: object = {},
): string {
  const agents = holders.map(({ did, operatorId, signer: { publicKey } }) => ({ did, operatorId, publicKey }))
  const lineage = holders.map(({ did, operatorId }, place) => ({
    did,
    operatorId,
    epoch: [3, 2] as const,
    id: idAt(place),
    kid: grantKid,
  }))
  const [principal] = holders
  const payload = delegatedPayload(agents, {
    iss: ISSUER,
    aud: [SHOP],
    epoch: [3, 2],
    tools: { [`${SHOP}#pay`]: PAY },
    lineage,
    jti: 'exchanged',
    ...(principal && { operator_id: principal.operatorId }),
    ...wish,
  })
  return key.sign({ alg: key.alg, typ: 'at+jwt', kid: key.kid }, { ...payload, ...edits })
}

/** The id of the grant of a party. */
export function idAt(place: number): string {
  return `grant-${place}`
}

/** Creates a delegated token of three parties: the principal, a middle one, and the actor, which sends it. */
export async function setUpDelegated(options: Partial<VerifierOptions> = {}, domains: readonly string[] = []) {
  const made = grantIssuer()
  const [principal, middle, actor] = [newHolder(domains[0]), newHolder(domains[1]), newHolder(domains[2])]
  const parties = [principal, middle, actor] as const
  const sign = (wish: DelegatedWish = {}, edits: object = {}) => delegatedToken(made, parties, wish, edits)
  return { ...made, principal, middle, actor, sign, token: sign(), verifier: made.issuer.newVerifier(options) }
}

/** What {@link setUpDelegated} made. */
export type MadeToken = Awaited<ReturnType<typeof setUpDelegated>>
