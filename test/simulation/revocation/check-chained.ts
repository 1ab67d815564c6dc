import type { Follower } from '@auth4agent/core/revocation/follower'
import type { TokenIdentity, TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { createCheckHome } from '../../../services/trust/chaining/check-home.ts'
import { CARGO } from '../../support/federation/foreign-parties.ts'
import type { Chained } from './chained-bearers.ts'

/** The two logs, as a process knows them. */
interface TwoLogs {
  readonly own: {
    check(token: TokenIdentity): Promise<Verdict | undefined>
    checkTrust(basis: TrustBasis): Promise<Verdict | undefined>
  }
  readonly home: Follower
}

/** Checks a token for a grant of another deployment: in the log of this deployment, and then in that of its home. */
export async function checkChained(
  { own, home }: TwoLogs,
  { identity, claims, copy }: Chained,
): Promise<Verdict | undefined> {
  const checkHome = createCheckHome({
    knowledge: {
      copy,
      rereadIssuer: async (issuer) => copy.issuers.get(issuer),
      rereadBetween: async () => copy,
    },
    operators: { lookupAudienceOwner: async () => ({ operatorId: CARGO, rules: [] }) },
    tokenStatus: own,
    logs: { of: () => home },
    now: () => 0,
  })
  return (await own.check(identity)) ?? checkHome(claims)
}
