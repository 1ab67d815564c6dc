import { findEnded } from '../../../services/revocation/check-memory.ts'
import { endRows } from './image.ts'
import type { Mutant } from './mutants.ts'
import { type Parts, REAL } from './parts.ts'
import { logVerdict, moveOn, rowVerdict } from './user-tokens.ts'
import { USER_PARTS, type UserPart } from './users.ts'

const mutant = (what: string, change: Partial<Parts>): Mutant => ({
  rule: 'm',
  what,
  parts: () => ({ ...REAL, ...change }),
})

const EDGES = USER_PARTS.filter((part) => part !== 'user' && part !== 'agent')
const isEdgeOf = (edge: string, part: UserPart) => edge.replace(/^another /, '').startsWith(part)

const withoutEdge = (part: UserPart) =>
  mutant(`a token does not name the edge ${part}`, {
    buildUserTokenClaims(...given) {
      const claims = REAL.buildUserTokenClaims(...given)
      return { ...claims, edges: claims.edges.filter((edge) => !isEdgeOf(edge, part)) }
    },
  })

const withoutRecord = (part: UserPart) =>
  mutant(`the ending of ${part} writes no record`, {
    end(image, target, now, keptFor) {
      if (target.of?.part !== part) return REAL.end(image, target, now, keptFor)
      endRows(image, target, now)
      return undefined
    },
  })

/** Mutants of rule m: a token for a user names all that it rests on. */
export const USER_MUTANTS: readonly Mutant[] = [
  ...EDGES.map(withoutEdge),
  ...USER_PARTS.map(withoutRecord),
  mutant('the epoch of the user is not looked up', {
    userLookupsOf: (token) =>
      REAL.userLookupsOf(token).map(({ hop, token: identity }) => ({ hop, token: { ...identity, agentEpoch: 1_000 } })),
    checkRowsOfUsers: (image, tokens) => findEnded(tokens, (token) => logVerdict(image, token)),
  }),
  mutant('the agent that acts is not looked up', {
    userLookupsOf: (token) => REAL.userLookupsOf(token).slice(0, 1),
  }),
  mutant('the statement that issues does not compare the mark', { useForUser: moveOn }),
  mutant('the statement that issues does not look for the connection', {
    useForUser(image, order) {
      const done = REAL.useForUser(image, order)
      return done.kind === 'gone'
        ? REAL.useForUser(image, { ...order, n: undefined, connection: `${order.connection}'` })
        : done
    },
  }),
  mutant('a connection goes on after its client was blocked and allowed again', {
    decideUserToken: (standing, consent, given, refusal) =>
      REAL.decideUserToken(standing, consent, { ...given, clientEdge: standing.clientEdge ?? '' }, refusal),
  }),
  mutant('the database does not join the user', {
    checkRowsOfUsers: (image, tokens) => findEnded(tokens, (token) => logVerdict(image, token)),
  }),
  mutant('the database does not read the edges of a token in the log', {
    checkRowsOfUsers: (image, tokens) => findEnded(tokens, (token) => rowVerdict(image, token)),
  }),
]
