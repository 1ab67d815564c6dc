import type { Follower } from '@auth4agent/core/revocation/follower'
import type { TokenIdentity, TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { createRows } from '../../../services/trust/decide/rows.ts'
import { createCheckHome } from '../../../services/trust/tokens/chaining/check-home.ts'
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
  // The same rows are remembered and current, so only the logs tell what has ended.
  const rows = createRows({
    issuer: async (issuer) => copy.issuers.get(issuer),
    statements: async () => copy.known,
    owner: async () => ({ operatorId: CARGO, rules: [] }),
  })
  const checkHome = createCheckHome({
    knowledge: { remembered: rows, current: rows },
    tokenStatus: own,
    logs: { of: () => home },
    now: () => 0,
  })
  return (await own.check(identity)) ?? checkHome(claims)
}
