import { chainLookups } from '@auth4agent/core/delegation/chain-lookups'
import { delegatedLookups, userLookups } from '@auth4agent/core/delegation/delegated-token'
import { buildUserTokenClaims } from '../../../services/authn/for-users/domain/build-claims.ts'
import { decideUserToken } from '../../../services/authn/for-users/domain/decide-user-token.ts'
import { complete } from '../../../services/calls/complete.ts'
import { createCountAnswer, type FromDatabase } from '../../../services/revocation/count-answers.ts'
import { createLogFollower, type LogFollower, type LogFollowerDeps } from '../../../services/revocation/log-follower.ts'
import { createSettle, type SettleDeps } from '../../../services/revocation/settle.ts'
import { checkChained } from './check-chained.ts'
import { end } from './image.ts'
import { importMutated } from './mutated-source.ts'
import { checkRowsOfUsers, useForUser } from './user-tokens.ts'

/** The databases that answer a verification when memory cannot. */
export interface Databases {
  /** Asks the primary whether the token has ended. Rejects if there is no primary. */
  readonly primary: () => Promise<FromDatabase<boolean>>
  /** Asks the standby, whose answer may be out of date. */
  readonly standby: () => Promise<FromDatabase<boolean>>
}

/** The functions that the handler of a revocation calls. */
interface Handling extends Databases {
  /** Commits the revocation. Resolves with whether it changed anything. */
  readonly commit: () => Promise<boolean>
  readonly settle: ReturnType<typeof createSettle>
  readonly deps: SettleDeps
}

/**
 * The code under test, and the small parts around it that must obey the rules too. Each mutant replaces one of these.
 */
export interface Parts {
  createLogFollower(deps: LogFollowerDeps): LogFollower
  /** Creates the log follower of a version that does not know the kinds issuer and edge. */
  createOlderLogFollower(deps: LogFollowerDeps): LogFollower
  createSettle: typeof createSettle
  /** Does what the handler of a revocation does. */
  revoke(handling: Handling): Promise<void>
  ask(databases: Databases): Promise<FromDatabase<boolean>>
  /** Decides whether an answer of the database counts. */
  createCountAnswer: typeof createCountAnswer
  /** Does what the triggers of the database do when a revocation commits. */
  end: typeof end
  /** Returns what must be looked up for a chain of grants. */
  lookupsOf: typeof chainLookups
  /** Returns what must be looked up for a delegated token. */
  delegatedLookupsOf: typeof delegatedLookups
  /** Checks a token for a grant of another deployment, as verify-token.ts does. */
  checkChained: typeof checkChained
  /** Decides what a token for a user may allow, and on which edges it rests. */
  decideUserToken: typeof decideUserToken
  buildUserTokenClaims: typeof buildUserTokenClaims
  /** Returns what must be looked up for a token for a user. */
  userLookupsOf: typeof userLookups
  /** Does what the statements that issue tokens for users do. */
  useForUser: typeof useForUser
  /** Does what the statement CHECK does for tokens for users. */
  checkRowsOfUsers: typeof checkRowsOfUsers
}

/** Returns the log follower of an older version, which applies records of kinds that it does not know like this. */
export async function olderLogFollower(applied: 'false' | 'true'): Promise<Parts['createLogFollower']> {
  const module = await importMutated('log-follower.ts', {
    file: 'session.ts',
    from: 'const state = createRevocationState()',
    to: `const whole = createRevocationState()
    const apply = (record) => (['issuer', 'edge'].includes(record.kind) ? ${applied} : whole.apply(record))
    const state = { ...whole, apply }`,
  })
  return (module as Pick<Parts, 'createLogFollower'>).createLogFollower
}

/** The real code. */
export const REAL: Parts = {
  createLogFollower,
  createOlderLogFollower: await olderLogFollower('false'),
  createSettle,
  async revoke({ commit, primary, settle }) {
    // If a repeated call finds the target ended, it writes nothing. So it has no commit of its own that would wait for
    // the standby.
    const { answer: isEnded, by } = await primary()
    if (!isEnded) await commit()
    const told = { servers: new Set(isEnded ? [by.server] : []), hasEnded: false }
    await complete({ settle, confirm: settle }, { action: 'token.revoke', endsTokens: true }, undefined, told)
  },
  ask: ({ primary }) => primary(),
  createCountAnswer,
  end,
  lookupsOf: chainLookups,
  delegatedLookupsOf: delegatedLookups,
  checkChained,
  decideUserToken,
  buildUserTokenClaims,
  userLookupsOf: userLookups,
  useForUser,
  checkRowsOfUsers,
}
