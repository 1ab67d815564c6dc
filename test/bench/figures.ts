import type { CaseName } from './cases.ts'
import type { Measurement } from './measure.ts'
import type { Load, Round } from './rounds.ts'
import type { StartRound } from './starts.ts'
import { CHAIN_HOPS } from './supply-chains.ts'

/** The measurements that a figure is computed from: one round of either kind. */
interface Facts {
  readonly round?: Round
  readonly starts?: StartRound
}

/** A figure for which the project has set a target. */
export interface Figure {
  readonly title: string
  /** `more` means that the limits are minimums, `less` that they are maximums. */
  readonly better: 'more' | 'less'
  readonly must: number
  readonly aim: number
  /** The loads that must be measured for this figure. Starts are measured separately. */
  readonly loads: readonly Load[]
  readonly needsStarts?: true
  /** Computes the figure of one round; undefined if its measurements are missing. */
  readonly of: (facts: Facts) => number | undefined
}

const MANY = 32
const FEW = 4
/**
 * With this many connections, each of two workers has at least as many concurrent calls as one server has otherwise.
 */
const FOR_TWO = 128

type Field = 'perSecond' | 'p99Us' | 'cpuUs'

function find({ round }: Facts, name: CaseName, connections: number): Measurement | undefined {
  return round?.measurements.find((one) => one.case === name && one.connections === connections)
}

const divide = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined || other === 0 ? undefined : one / other

/** Returns a figure that is the number of one case divided by the number of another case. */
function quotient(
  [name, by]: readonly [CaseName, CaseName],
  field: Field,
  connections: number,
  rest: Pick<Figure, 'title' | 'better' | 'must' | 'aim'>,
): Figure {
  return {
    ...rest,
    loads: [name, by].map((one) => ({ case: one, connections })),
    of: (facts) => divide(find(facts, name, connections)?.[field], find(facts, by, connections)?.[field]),
  }
}

/**
 * Returns the minimum time of a token on one core in microseconds: verify the agent, sign the token, answer a request.
 */
export function floorUs(round: Round): number | undefined {
  const bare = find({ round }, 'bare', MANY)
  return bare && round.crypto.verifyUs + round.crypto.signUs + 1e6 / bare.perSecond
}

function shareOfFloor(facts: Facts): number | undefined {
  const floor = facts.round && floorUs(facts.round)
  const token = find(facts, 'token', MANY)
  return floor === undefined || token === undefined ? undefined : (floor * token.perSecond) / 1e6
}

/** How many signatures of a new chain are checked: the statements about its holders were seen before. */
const CHAIN_CHECKS = CHAIN_HOPS + 1

/** Returns how much more processor time a new chain takes than a seen one, divided by its signature checks. */
function newChain(facts: Facts): number | undefined {
  const fresh = find(facts, 'verify-chain-new', MANY)?.cpuUs
  const seen = find(facts, 'verify-chain-seen', MANY)?.cpuUs
  if (facts.round === undefined || fresh === undefined || seen === undefined) return undefined
  return (fresh - seen) / (CHAIN_CHECKS * facts.round.crypto.verifyUs)
}

/** All figures by name, in the order in which they are printed. */
export const FIGURES = {
  token: quotient(['token', 'peer-token'], 'perSecond', MANY, {
    title: 'tokens per second ÷ oidc-provider private_key_jwt',
    better: 'more',
    must: 2,
    aim: 2.4,
  }),
  floor: {
    title: 'share of the floor (crypto + bare HTTP) reached',
    better: 'more',
    must: 0.65,
    aim: 0.8,
    loads: (['token', 'bare'] as const).map((name) => ({ case: name, connections: MANY })),
    of: shareOfFloor,
  },
  challenge: quotient(['challenge', 'bare'], 'perSecond', MANY, {
    title: 'challenges per second ÷ bare node:http',
    better: 'more',
    must: 0.42,
    aim: 0.5,
  }),
  'verify-new': quotient(['verify-new', 'peer-introspect-secret'], 'perSecond', MANY, {
    title: 'verify, token not seen before ÷ oidc-provider introspection',
    better: 'more',
    must: 0.85,
    aim: 1.1,
  }),
  'verify-seen': quotient(['verify-seen', 'peer-introspect-secret'], 'perSecond', MANY, {
    title: 'verify, seen before ÷ oidc-provider introspection',
    better: 'more',
    must: 2.6,
    aim: 3.2,
  }),
  'chain-seen': quotient(['verify-chain-seen', 'verify-seen'], 'perSecond', MANY, {
    title: `verify, chain of ${CHAIN_HOPS} hops seen before ÷ own token seen before`,
    better: 'more',
    must: 1 / 2,
    aim: 2 / 3,
  }),
  'chain-new': {
    title: `processor time of a new chain of ${CHAIN_HOPS} hops beyond a seen one ÷ its ${CHAIN_CHECKS} signature checks`,
    better: 'less',
    must: 1.6,
    aim: 1.3,
    loads: (['verify-chain-new', 'verify-chain-seen'] as const).map((name) => ({ case: name, connections: MANY })),
    of: newChain,
  },
  'oauth-token': quotient(['oauth-token', 'peer-token'], 'perSecond', MANY, {
    title: 'OAuth tokens per second ÷ oidc-provider, same client and request',
    better: 'more',
    must: 1.6,
    aim: 2,
  }),
  'oauth-token-durable': quotient(['oauth-token', 'durable-peer-token'], 'perSecond', MANY, {
    title: 'OAuth tokens per second ÷ Better Auth on PostgreSQL, same client and request',
    better: 'more',
    must: 3,
    aim: 5,
  }),
  'oauth-exchange': quotient(['oauth-exchange', 'oauth-token'], 'perSecond', MANY, {
    title: `exchanges of a chain of ${CHAIN_HOPS} hops per second ÷ OAuth tokens per second`,
    better: 'more',
    must: 0.7,
    aim: 0.8,
  }),
  'oauth-native': quotient(['oauth-token', 'token'], 'perSecond', MANY, {
    title: 'OAuth tokens per second ÷ tokens per second of `/v1/token`',
    better: 'more',
    must: 0.85,
    aim: 0.95,
  }),
  'oauth-introspect': quotient(['oauth-introspect', 'peer-introspect'], 'perSecond', MANY, {
    title: 'introspections per second ÷ oidc-provider, both private_key_jwt',
    better: 'more',
    must: 1.5,
    aim: 2.5,
  }),
  'user-refresh': quotient(['user-refresh', 'oauth-token'], 'cpuUs', MANY, {
    title: "processor time of a user's token for a refresh token ÷ of an agent's OAuth token",
    better: 'less',
    must: 1.4,
    aim: 1.2,
  }),
  'user-code': {
    title: "p99 of a user's token for a code at 1 connection, in ms",
    better: 'less',
    must: 15,
    aim: 5,
    loads: [{ case: 'user-code', connections: 1 }],
    of(facts) {
      const found = find(facts, 'user-code', 1)
      return found && found.p99Us / 1000
    },
  },
  'user-seen': quotient(['user-seen', 'verify-seen'], 'cpuUs', MANY, {
    title: "processor time to verify a user's token seen before ÷ an agent's",
    better: 'less',
    must: 1.1,
    aim: 1,
  }),
  p99: quotient(['token', 'peer-token'], 'p99Us', FEW, {
    title: `token p99 at ${FEW} connections ÷ oidc-provider's`,
    better: 'less',
    must: 1 / 5,
    aim: 1 / 8,
  }),
  grpc: quotient(['grpc', 'verify-seen'], 'perSecond', MANY, {
    title: 'gRPC VerifyToken per second ÷ verify over REST, token seen before',
    better: 'more',
    must: 0.8,
    aim: 0.9,
  }),
  check: quotient(['check', 'verify-seen'], 'perSecond', MANY, {
    title: "Envoy's Check per second, token seen before ÷ verify, seen before",
    better: 'more',
    must: 0.75,
    aim: 0.9,
  }),
  authz: quotient(['authz', 'verify-seen'], 'perSecond', MANY, {
    title: 'forward auth per second, token seen before ÷ verify, seen before',
    better: 'more',
    must: 0.8,
    aim: 1,
  }),
  traces: quotient(['token-traced', 'token'], 'perSecond', MANY, {
    title: 'tokens per second, 1 % of the traces recorded ÷ tracing off',
    better: 'more',
    must: 0.97,
    aim: 1,
  }),
  'traces-all': quotient(['token-traced-all', 'token'], 'perSecond', MANY, {
    title: 'tokens per second, every trace recorded ÷ tracing off',
    better: 'more',
    must: 0.85,
    aim: 0.95,
  }),
  workers: quotient(['token-two-workers', 'token-one-worker'], 'cpuUs', FOR_TWO, {
    title: `processor time per token at ${FOR_TWO} connections, two workers ÷ one`,
    better: 'less',
    must: 1.1,
    aim: 1,
  }),
  memory: {
    title: "idle memory (RSS) ÷ oidc-provider's",
    better: 'less',
    must: 2,
    aim: 1.1,
    loads: [],
    needsStarts: true,
    of: ({ starts }) => divide(starts?.ours.memory?.rss, starts?.peer.memory?.rss),
  },
  idle: {
    title: 'processor time of an idle server, in percent of a core',
    better: 'less',
    must: 2,
    aim: 0.5,
    loads: [],
    needsStarts: true,
    of: ({ starts }) => starts?.ours.idlePercent,
  },
  start: {
    title: "cold start to the first answer ÷ oidc-provider's",
    better: 'less',
    must: 2,
    aim: 1,
    loads: [],
    needsStarts: true,
    of: ({ starts }) => divide(starts?.ours.ms, starts?.peer.ms),
  },
} as const satisfies Readonly<Record<string, Figure>>

/** Name of a figure. */
export type FigureName = keyof typeof FIGURES

/** The names of all figures. */
export const FIGURE_NAMES = Object.keys(FIGURES).filter((name): name is FigureName => name in FIGURES)

/**
 * Returns the figures whose name is, or begins with, one of the given names. Returns all figures if no name is given.
 * Throws RangeError if a name fits no figure.
 */
export function chooseFigures(wanted: readonly string[]): readonly FigureName[] {
  if (wanted.length === 0) return FIGURE_NAMES
  const unknown = wanted.find((name) => !FIGURE_NAMES.some((each) => each.startsWith(name)))
  if (unknown !== undefined) throw new RangeError(`Unknown figure "${unknown}": choose from ${FIGURE_NAMES.join(', ')}`)
  return FIGURE_NAMES.filter((each) => wanted.some((name) => each.startsWith(name)))
}
