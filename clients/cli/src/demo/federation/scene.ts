import type { OnlineVerification, TrustExplanation } from '@auth4agent/sdk'
import type { Narrator } from '../narrator.ts'
import { unexpected } from '../until-refused.ts'
import type { FederatedOperator, FederationCast, Home } from './cast.ts'

/** What every step of the story needs. */
export interface FederationScene {
  readonly cast: FederationCast
  readonly tell: Narrator
  /** Awaits work that may take long, and shows people what it waits for. */
  readonly progress: <T>(what: string, work: Promise<T>) => Promise<T>
  /** Resolves after `ms` milliseconds. Rejects when the demo is interrupted. */
  readonly pause: (ms: number) => Promise<void>
}

/** The scope of a caller's token, and what it stands for at every audience here. */
export const SCOPE = { asked: 'orders:read', there: 'read' } as const

/** Gets a new token of an agent for the API of an operator. */
export async function newToken(
  { cast }: Pick<FederationScene, 'cast'>,
  name: 'acme' | 'bolt' | 'cargo',
  { audience }: FederatedOperator,
  scope: string = SCOPE.asked,
) {
  const agent = cast.agents[name]
  const token = await agent.issued({ scopes: [scope], audience, ttl: '5m' })
  agent.forget(token.token)
  return token.token
}

/** Asks a deployment whether a token counts at the API of one of its operators. */
export async function verify(
  token: string,
  { home, audience }: FederatedOperator,
  from: Home,
  scope: string = from.letter === home.letter ? SCOPE.asked : SCOPE.there,
): Promise<OnlineVerification> {
  return home.calls.verifyToken(token, { audience: [audience], scope, issuers: [from.issuer] })
}

/** Returns the verdict of {@link verify}: `valid`, or why not. */
export async function verdict(...asked: Parameters<typeof verify>): Promise<string> {
  const { valid, reason } = await verify(...asked)
  return valid ? 'valid' : (reason ?? 'REFUSED')
}

/** Throws unless a verdict is the one that the story tells. */
export function expectVerdict(found: string, ...awaited: readonly string[]): string {
  if (!awaited.includes(found)) throw unexpected('the deployment', 200, found)
  return found
}

/** Statements of another deployment are read every 30 seconds, by a job that runs every 10. Twice of it. */
const READ = { withinMs: 80_000, everyMs: 250 } as const

/** Waits until an operator may call the API of another one. */
export function untilAllowed(
  { pause }: Pick<FederationScene, 'pause'>,
  owner: FederatedOperator,
  caller: FederatedOperator,
) {
  return until(
    () => explain(owner, caller),
    ({ allowed }) => allowed,
    { pause, ...READ },
  )
}

/** A token counts again when it is younger than the enabling of its issuer by what clocks may differ: 10 seconds. */
const FRESH = { withinMs: 40_000, everyMs: 500 } as const

/** Waits until a new token of acme is valid at an API of B. Resolves with the milliseconds until then. */
export async function untilFresh(scene: Omit<FederationScene, 'tell'>, owner: FederatedOperator): Promise<number> {
  const { a } = scene.cast
  const waiting = until(
    async () => verdict(await newToken(scene, 'acme', owner), owner, a),
    (found) => found === 'valid',
    { pause: scene.pause, ...FRESH },
  )
  return (await scene.progress('waiting for a token that is younger, 10 seconds', waiting)).ms
}

interface Patience {
  readonly withinMs: number
  readonly everyMs?: number
}

/** Asks until the answer is awaited, and returns it with the milliseconds until then. */
export async function until<T>(
  ask: () => Promise<T>,
  isAwaited: (answer: T) => boolean,
  { pause, withinMs, everyMs = 5 }: Pick<FederationScene, 'pause'> & Patience,
): Promise<{ readonly answer: T; readonly ms: number }> {
  const since = performance.now()
  for (;;) {
    const answer = await ask()
    const ms = Math.round(performance.now() - since)
    if (isAwaited(answer)) return { answer, ms }
    if (ms > withinMs) throw unexpected('the deployment', 200, JSON.stringify(answer))
    await pause(everyMs)
  }
}

/** Asks as the owner of an API why an operator may call it, or why not. */
export function explain(
  owner: FederatedOperator,
  caller: FederatedOperator,
  scope: string = SCOPE.asked,
): Promise<TrustExplanation> {
  const { domain: from, home } = caller
  return owner.operator.explainTrust({ from, home: home.issuer, to: owner.audience, scope })
}
