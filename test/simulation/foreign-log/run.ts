import { vi } from 'vitest'
import { createRandom, type Random } from '../revocation/random.ts'
import { type Branch, Deployment, hasEnded } from './deployment.ts'
import type { Parts } from './parts.ts'
import { createFeed, FAIR, SKEW_MS, type Weather } from './server.ts'

/** The answer about a token, and a sentence if it was wrong. */
export interface Answer {
  readonly at: number
  readonly jti: string
  readonly verdict: string
  readonly wrong: string | undefined
}

/** A run at its end. */
export interface Run {
  readonly seed: number
  readonly answers: readonly Answer[]
  /** Answers some time after the last fault has ended. */
  readonly last: readonly Answer[]
  readonly faults: readonly string[]
}

const STALENESS_MS = 5_000
/** A clock of a server that runs a little fast is tolerated, see heartbeats.ts. */
const TOLERANCE_MS = 1_100
const BEGIN = Date.UTC(2026, 0, 15)
const STEP_MS = 300
const STEPS = 250
/** The follower waits 30 seconds before it reads a log again that has gone back. */
const RECOVERY_MS = 40_000

/** What can go wrong. Each returns how to end it, or nothing if it cannot be ended. */
const FAULTS: Readonly<Record<string, (world: World) => (() => void) | undefined>> = {
  frozen: ({ weather }) => set(weather, { isFrozen: true }),
  stalled: ({ weather }) => set(weather, { isStalled: true }),
  rewound: ({ weather, random }) => set(weather, { rewoundBy: 1 + random.below(5), isCareless: random.chance(0.5) }),
  replayed: ({ weather }) => set(weather, { replays: true }),
  delayed: ({ weather, random }) => set(weather, { delayMs: random.between(1_000, 4_500) }),
  // A step that is smaller than the delay would not be noticed.
  'clock ahead': ({ weather, random }) =>
    set(weather, { clockAheadMs: random.between(10_000, 60_000), delayMs: random.pick([0, 4_500]) }),
  lossy: ({ weather }) => set(weather, { losses: 0.5 }),
  garbled: ({ weather }) => set(weather, { garbles: 0.5 }),
  'split brain': ({ weather, deployment, random }) => {
    const split = deployment.copy(random.below(5))
    return set(weather, { split, isCareless: random.chance(0.7) })
  },
  promoted: ({ weather, deployment, random }) => {
    deployment.main = deployment.copy(random.below(5), deployment.main.logEpoch + 1)
    return set(weather, { isCareless: random.chance(0.7) })
  },
  'older epoch': ({ weather, deployment, random }) => {
    const split = deployment.copy(random.below(3), Math.max(1, deployment.main.logEpoch - 1))
    return set(weather, { split, isCareless: random.chance(0.5) })
  },
}

interface World {
  readonly deployment: Deployment
  readonly weather: Weather
  readonly random: Random
}

function set(weather: Weather, change: Partial<Weather>): () => void {
  const before = Object.fromEntries(Object.keys(change).map((key) => [key, FAIR[key as keyof Weather]]))
  Object.assign(weather, change)
  return () => void Object.assign(weather, before)
}

/** Runs one schedule in fake time. */
export async function run(seed: number, parts: Parts): Promise<Run> {
  const random = createRandom(seed)
  vi.useFakeTimers({ now: BEGIN })
  // By the fake time alone: others in this process, such as the runner of tests, may ask too.
  vi.spyOn(Math, 'random').mockImplementation(() => createRandom(seed + Date.now()).between(0, 1))
  const deployment = new Deployment()
  const weather = { ...FAIR }
  const feed = createFeed(deployment, weather, random, parts.FeedError)
  const keys = { end: () => undefined, renew: async () => undefined }
  const rules = { maxStalenessMs: STALENESS_MS, skewMs: SKEW_MS, onlyGrows: true }
  /** The log epoch of the knowledge that answers. */
  const knowledge = { logEpoch: 0 }
  const onSuccess = () => void (knowledge.logEpoch = deployment.sentEpoch)
  const follower = parts.followRevocations({ feed, keys, ...rules, onProblem: () => undefined, onSuccess })
  try {
    return await play({ deployment, weather, random }, createVerifier(parts, follower, { deployment, knowledge }), seed)
  } finally {
    follower.close()
    vi.restoreAllMocks()
    vi.useRealTimers()
  }
}

async function play(world: World, verify: (jti: string) => Answer, seed: number): Promise<Run> {
  const { deployment, weather, random } = world
  const answers: Answer[] = []
  const faults: string[] = []
  const endings: { readonly at: number; readonly end: () => void }[] = []
  const tokens = ['standing']
  for (let step = 0; step < STEPS; step += 1) {
    if (random.chance(0.04)) {
      const name = random.pick(Object.keys(FAULTS))
      const end = FAULTS[name]?.(world)
      faults.push(`${step}: ${name}`)
      if (end !== undefined) endings.push({ at: step + 3 + random.below(60), end })
    }
    for (const { end } of endings.filter(({ at }) => at === step)) end()
    if (random.chance(0.15)) {
      const jti = `token-${tokens.length}`
      tokens.push(jti)
      deployment.end(jti)
    }
    // The other half of a split brain ends other tokens, so that both histories differ at the same positions.
    const other: Branch | undefined = weather.split
    if (other !== undefined && random.chance(0.15)) deployment.end(`other-${step}`, other)
    await vi.advanceTimersByTimeAsync(STEP_MS)
    answers.push(verify(random.pick(tokens)), verify('standing'))
  }
  for (const { end } of endings) end()
  // Whatever the histories were, a promotion begins a new log epoch, so the log can be followed again.
  deployment.main = deployment.copy(0, deployment.main.logEpoch + 2)
  await vi.advanceTimersByTimeAsync(RECOVERY_MS)
  return { seed, answers, faults, last: tokens.map(verify) }
}

type Follower = ReturnType<Parts['followRevocations']>

interface Known {
  readonly deployment: Deployment
  readonly knowledge: { readonly logEpoch: number }
}

/**
 * Returns a function that verifies a token, and judges the answer by what the servers had in their databases. A yes is
 * right only if, within the staleness, a server had a head of one history that had not ended the token. If the token
 * was refused before because a history had ended it, that history must have been replaced by one of a later log epoch.
 */
function createVerifier(parts: Parts, follower: Follower, { deployment, knowledge }: Known) {
  const endedIn = new Map<string, number>()
  const logs = { of: () => follower }
  const issuer = { issuer: 'https://other.example', maxStalenessMs: STALENESS_MS }
  return (jti: string): Answer => {
    const at = Date.now()
    const exp = at / 1_000 + 300
    const token = { jti, operatorId: 'operator', sub: 'agent', agentEpoch: 1, operatorEpoch: 1, kid: 'k' }
    const verdict = parts.checkAtHome(logs, issuer, token, exp) ?? 'valid'
    const answer = (wrong?: string) => ({ at: at - BEGIN, jti, verdict, wrong })
    if (verdict === 'TOKEN_REVOKED') {
      endedIn.set(jti, Math.max(knowledge.logEpoch, endedIn.get(jti) ?? 0))
    }
    if (verdict !== 'valid') return answer()
    const recent = deployment.heads.filter((head) => at - head.at <= STALENESS_MS + TOLERANCE_MS)
    const reasons = recent.filter(({ branch, length }) => !hasEnded(branch, length, jti))
    if (reasons.length === 0) return answer('every history of the last seconds had ended it')
    const since = endedIn.get(jti) ?? 0
    const isLater = reasons.some(({ branch }) => branch.logEpoch > since)
    return answer(isLater ? undefined : 'it was refused before, and the log has only gone back')
  }
}

/** Returns the answers of a run that accept a token that must be refused. */
export function wrongAnswers({ answers, last }: Run): readonly Answer[] {
  return [...answers, ...last].filter(({ wrong }) => wrong !== undefined)
}
