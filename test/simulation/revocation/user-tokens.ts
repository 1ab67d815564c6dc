import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import { createRevocationState } from '@auth4agent/core/revocation/revocation-state'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { NO_AGENT } from '../../../services/authn/for-users/domain/build-claims.ts'
import { ApiError } from '../../../services/platform/errors/api-error.ts'
import { type EndedToken, findEnded } from '../../../services/revocation/check-memory.ts'
import { createCheckTokens } from '../../../services/revocation/check-tokens.ts'
import type { CountAnswer } from '../../../services/revocation/count-answers.ts'
import type { LogFollower } from '../../../services/revocation/log-follower.ts'
import type { Process } from './clocks.ts'
import type { Database, Link } from './database.ts'
import { type Image, keyOf } from './image.ts'
import type { Answer } from './instance.ts'
import type { Parts } from './parts.ts'
import { consentOf, endingOf, markOf, rowOf, standingOf, USER_PARTS, type UserPart } from './users.ts'

/** What a client presents: a code, whose id is that of the connection, or the refresh token with a number. */
export interface UserOrder {
  readonly user: string
  readonly connection: string
  /** Undefined for a code. */
  readonly n: number | undefined
  /** The edge of the client when the user allowed it: in the code, and in the row of a connection. */
  readonly clientEdge: string
}

/** A token for a user, as its client has it, and what the judge of the simulation knows about it. */
export interface UserToken {
  readonly user: string
  readonly connection: string
  /** Number of the next refresh token. */
  readonly n: number
  readonly clientEdge: string
  readonly lookups: readonly TokenIdentity[]
  /** The targets whose ends end the token: everything from which it was decided. */
  readonly restsOn: ReadonlySet<string>
  /** When it expires, in true time. */
  readonly expiresAt: number
}

/** What a process does for users. */
export interface ForUsers {
  /** Issues a token. Resolves with the reason if the code or refresh token is refused. */
  issue(order: UserOrder): Promise<UserToken | 'used' | 'gone'>
  verify(token: UserToken): Promise<Answer>
}

interface ForUsersDeps {
  readonly parts: Parts
  readonly process: Process
  readonly database: Database
  readonly link: Link
  /** The connections of verifications. */
  readonly checkLink: Link
  readonly verifier: LogFollower | undefined
  readonly count: CountAnswer
  /** How long a token lives, in milliseconds: less than records are kept. */
  readonly ttlMs: number
  readonly now: () => number
}

/** Result of the statement that issues. */
export type IssueResult =
  | {
      readonly kind: 'issued'
      readonly epoch: readonly [user: number, operator: number]
      readonly agentEpoch: readonly [agent: number, operator: number] | undefined
      readonly n: number
    }
  | { readonly kind: 'stale' | 'used' | 'gone' }

const ISSUER = 'https://auth.example'
const SCOPES = ['read']
const MAX_DECISIONS = 4

/** Creates what a process does for users, as issue-for-user.ts and verify-token.ts do it. */
export function createForUsers(deps: ForUsersDeps): ForUsers {
  const { parts, process, database, link, checkLink, verifier, count, ttlMs, now } = deps
  let by: Answer['from'] = 'memory'
  const check = createCheckTokens({
    verifier,
    ask: (tokens) =>
      database.read(process, checkLink, (image) => ({
        answer: parts.checkRowsOfUsers(image, tokens),
        by: { server: image.server, isReplicated: true },
      })),
    count,
    onChecked(path) {
      by = path
    },
  })
  return {
    async issue({ user, connection, n, clientEdge }) {
      for (let attempts = 0; attempts < MAX_DECISIONS; attempts += 1) {
        const decided = await database.read(process, link, (image) => ({
          standing: standingOf(image, user),
          consent: consentOf(rowOf(image, user)),
          agentOperatorId: rowOf(image, user).agent?.operatorId,
          restsOn: targetsOf(image, { user, connection, clientEdge }),
        }))
        const { standing, consent, restsOn, agentOperatorId } = decided
        const expiresAt = now() + ttlMs
        const given = { scopes: SCOPES, clientEdge, isDevice: false }
        const terms = orRefused(() => parts.decideUserToken(standing, consent, given, 'REFRESH_NOT_ACCEPTED'))
        if (terms === undefined) return 'gone'
        const order = { user, connection, n, clientEdge, mark: standing.mark }
        const done = await database.write(process, link, (image) => parts.useForUser(image, order))
        if (done.kind === 'stale') continue
        if (done.kind !== 'issued') return done.kind
        const { epoch, agentEpoch } = done
        const issued = { jti: `token of ${connection}`, nowS: 0, exp: 1, epoch, agentEpoch, connection, jkt: undefined }
        const claims = parts.buildUserTokenClaims(ISSUER, consent, { ...terms, ...NO_AGENT, agentOperatorId }, issued)
        const lookups = parts.userLookupsOf({ claims, kid: 'kid' }).map(({ token }) => token)
        return { user, connection, n: done.n, clientEdge, lookups, restsOn, expiresAt }
      }
      throw new Error('What the decision was made from changed during every attempt')
    },
    async verify({ lookups }) {
      const checked = check(lookups)
      const from = by
      return checked.then(
        (ended) => ({ answer: ended === undefined ? 'valid' : 'ended', from }),
        () => ({ answer: 'unavailable', from }),
      )
    },
  }
}

function orRefused<T>(decide: () => T): T | undefined {
  try {
    return decide()
  } catch (error) {
    if (error instanceof ApiError) return undefined
    throw error
  }
}

/** Returns the keys of everything that ends a token, as the tables have it now. */
function targetsOf(image: Image, order: Omit<UserOrder, 'n'>): ReadonlySet<string> {
  const row = rowOf(image, order.user)
  const isOwn = row.ownerId === row.operatorId
  const isThere: Partial<Record<UserPart, boolean>> = {
    users_to: !isOwn,
    user: row.epoch === 1,
    agent: row.agent?.epoch === 1,
  }
  const parts = USER_PARTS.filter((part) => isThere[part] ?? true)
  const now = parts.map((part) => endingOf(row, part, order.connection))
  const given = endingOf({ ...row, edges: { ...row.edges, client: order.clientEdge } }, 'client', '')
  return new Set([...now, given].map(keyOf))
}

/** What the statements of issue-statement.ts use. */
export interface UseForUser extends UserOrder {
  /** The mark of the standing from which the decision was made. */
  readonly mark: string
}

/** Does what the statements of issue-statement.ts do: uses a code or refresh token in one snapshot. */
export function useForUser(image: Image, order: UseForUser): IssueResult {
  return markOf(image, rowOf(image, order.user)) === order.mark ? moveOn(image, order) : { kind: 'stale' }
}

/** Uses a code or refresh token. Does not ask whether anything has changed since the decision. */
export function moveOn(image: Image, { user, connection, n, clientEdge }: UserOrder): IssueResult {
  const row = rowOf(image, user)
  const current = row.connections.get(connection)?.n
  if (n === undefined) {
    if (row.used.has(connection)) return { kind: 'used' }
  } else if (current === undefined) return { kind: 'gone' }
  else if (current !== n && current !== n + 1) return { kind: 'used' }
  const next = n === undefined ? 0 : n + 1
  image.users.set(user, {
    ...row,
    connections: new Map(row.connections).set(connection, { n: next, clientEdge }),
    used: new Set(row.used).add(connection),
  })
  const { epoch, agent } = row
  return { kind: 'issued', epoch: [epoch, 1], agentEpoch: agent && [agent.epoch, 1], n: next }
}

/** Decides from the rows of users and from the records about trust, as the statement CHECK of check-token.ts does. */
export function checkRowsOfUsers(image: Image, tokens: readonly TokenIdentity[]): EndedToken | undefined {
  return findEnded(tokens, (token) => rowVerdict(image, token) ?? logVerdict(image, token))
}

/** Joins the user of a token, or the agent that acts. */
export function rowVerdict({ users }: Image, { sub, operatorId, agentEpoch }: TokenIdentity): Verdict | undefined {
  const row = users.get(sub) ?? [...users.values()].find(({ agent }) => agent?.did === sub)?.agent
  return row?.operatorId === operatorId && row.epoch === agentEpoch ? undefined : 'AGENT_TOKENS_ENDED'
}

/** Reads the records about trust that the token names. */
export function logVerdict({ log }: Image, token: TokenIdentity): Verdict | undefined {
  const state = createRevocationState()
  for (const record of log) if (record.kind === 'edge') state.apply(record)
  return state.lookup(token)
}
