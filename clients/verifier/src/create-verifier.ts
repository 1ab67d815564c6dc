import { deferred } from '@auth4agent/core/async/waiting'
import { isChain } from '@auth4agent/core/delegation/is-chain'
import { type Moment, present } from '@auth4agent/core/platform/moment'
import { expectNode } from '@auth4agent/core/platform/node-version'
import { readAccessToken } from '@auth4agent/core/token/access-token'
import { createTokenCache } from '@auth4agent/core/token/token-cache'
import { type CheckBound, createCheckBound } from './bound-tokens.ts'
import { readChainDemands, type WantedOfChain } from './chain-wanted.ts'
import type { Delegation } from './delegation.ts'
import { VerificationError, type VerificationReason } from './errors.ts'
import { createIssuerCore, type IssuerCore } from './issuer-core.ts'
import type { Genuine } from './judge.ts'
import { createKeyHolders } from './key-holders.ts'
import { createCounts, type Metrics, sumMetrics } from './metrics.ts'
import { namedIssuer } from './named-issuer.ts'
import { type AnyVerifierOptions, isAnyOperator, readOptions, type Settings } from './options.ts'
import type { ReadyOptions } from './problems.ts'
import { readyAll } from './ready.ts'
import { openTrust, type TrustOptions } from './server-trust/open-trust.ts'
import { createServerTrust, type ServerTrust } from './server-trust/server-trust.ts'
import type { VerifiedClaims } from './verified-claims.ts'
import { createDemands, type Demands, type Wanted } from './wanted.ts'

/** A remembered grant takes some 20 kB, and a delegated token 5 to 40 kB, far more than another token. */
const MAX_DELEGATED = 2_000

/** Verifies the access tokens, the delegated tokens and the chains of grants of its issuers, offline. */
export interface Verifier {
  /** The options, checked and with defaults. */
  readonly settings: Settings
  /**
   * Resolves with the claims of a token that is valid and meets the requirements in `wanted`. The claims are frozen,
   * because later calls with the same token get the same object.
   *
   * A token that is bound to a key (RFC 9449) is valid only with the DPoP proof of its request, `wanted.dpop`. Each
   * proof is accepted once.
   *
   * Rejects with VerificationError for any other input, and with TypeError if `wanted` is invalid.
   *
   * @example
   *
   * ```ts
   * import { VerificationError } from '@auth4agent/verifier'
   *
   * try {
   *   const claims = await verifier.verify(token, { scope: 'orders:read' })
   *   console.log(claims.sub)
   * } catch (error) {
   *   if (!(error instanceof VerificationError)) throw error
   *   console.log(error.reason, error.isTemporary)
   * }
   * ```
   */
  verify(token: string, wanted?: Wanted): Promise<VerifiedClaims>
  /**
   * Resolves with who acts for whom, if a chain of grants or a delegated token is valid and allows a call with the
   * requirements in `wanted`. The DPoP proof in `wanted.dpop` is needed, by the agent that acts and for the whole
   * text. `verify` refuses both with DELEGATION_NOT_ACCEPTED, because the agent that sends one acts for another agent.
   *
   * Rejects with VerificationError for any other input, and with TypeError if `wanted` is invalid or has no scope.
   *
   * @example
   *
   * ```ts
   * const { principal, actor } = await verifier.verifyDelegated(chain, {
   *   scope: 'pay',
   *   arguments: () => ({ amount: 20 }),
   *   dpop: { proof, method: 'POST', url: 'https://api.example.com/pay' },
   * })
   * console.log(`${actor} pays for ${principal}`)
   * ```
   */
  verifyDelegated(text: string, wanted: WantedOfChain): Promise<Delegation>
  /**
   * Resolves when the verifier has the keys and the revocation logs of all its issuers, or of those in the option
   * `issuers`. Keeps waiting during temporary problems: a refused connection, a timeout, a 5xx.
   *
   * Rejects with SetupError for a problem that waiting does not solve, such as a refused key, and after `timeout`
   * seconds. Rejects with VerificationError if the verifier is closed, and with the signal's reason when the signal
   * aborts. The verifier keeps trying in the background until it is closed.
   *
   * @example
   *
   * ```ts
   * await verifier.ready({ timeout: 30 })
   * server.listen(8443)
   * ```
   */
  ready(options?: ReadyOptions): Promise<void>
  /** Returns the current metrics. {@link toPrometheus} formats them. */
  metrics(): Metrics
  /** Stops all work in the background. After that, `verify` rejects every token with VERIFIER_CLOSED. */
  close(): void
  [Symbol.dispose](): void
}

/**
 * Creates a verifier, which at once starts to fetch the keys and to follow the revocation log.
 *
 * Throws TypeError for invalid options, and Error if Node is too old.
 *
 * @example
 *
 * ```ts
 * import { createVerifier } from '@auth4agent/verifier'
 *
 * const verifier = createVerifier({
 *   issuer: 'https://auth.example.com',
 *   audience: 'https://api.example.com',
 *   operators: ['agents.example.com'],
 *   revocations: { operatorId, key },
 * })
 * await verifier.ready()
 * const claims = await verifier.verify(token, { scope: 'orders:read' })
 * ```
 */
export function createVerifier(options: AnyVerifierOptions): Verifier {
  expectNode('@auth4agent/verifier')
  const settings = readOptions(options)
  const closing = deferred<never>()
  closing.promise.catch(() => undefined)
  const counts = createCounts()
  let isClosed = false
  const refuse = (reason: VerificationReason): never => {
    counts.add(reason)
    throw new VerificationError(reason)
  }
  const seen = createTokenCache<Seen>(settings.cacheSize)
  const shared = { isClosed: () => isClosed, seen, checkBound: createCheckBound(settings) }
  const cores = createCores(settings, shared)
  const { audience, dpop, attestation } = settings
  const toDemands = createDemands({ audience, scope: [], dpop, attestation }, isAnyOperator(settings.issuers))
  const [only] = cores.values()
  const trust = openServerTrust(settings, only, { ...shared, counts })
  // A single issuer checks `iss` after the signature. Of several, `iss` chooses one and is not trusted for more.
  const isChosen = settings.isListed || trust !== undefined
  const coreOf = (iss: string) => (isChosen ? cores.get(iss) : only) ?? trust ?? refuse('ISSUER_NOT_TRUSTED')

  const verifyNew = (text: unknown, wanted: Demands, now: Moment) => {
    if (typeof text !== 'string') return refuse('MALFORMED_TOKEN')
    const read = readAccessToken(text)
    if ('verdict' in read) return refuse(isChain(text) ? 'DELEGATION_NOT_ACCEPTED' : read.verdict)
    return coreOf(read.claims.iss).verifyNew(text, read, wanted, now)
  }
  const close = () => {
    isClosed = true
    for (const core of [...cores.values(), trust]) core?.close()
    closing.reject(new VerificationError('VERIFIER_CLOSED'))
  }
  return {
    settings,
    async verify(token, wanted) {
      const demands = toDemands(wanted)
      if (isClosed) return refuse('VERIFIER_CLOSED')
      // A caller in JavaScript may pass a value that is not a string.
      const before = typeof token === 'string' ? seen.get(token) : undefined
      const now = present()
      if (before?.core.holds(before.token, now)) return before.core.judge(token, before.token, demands, now)
      return verifyNew(token, demands, now)
    },
    async verifyDelegated(text, wanted) {
      const demands = readChainDemands(wanted, toDemands)
      if (isClosed) return refuse('VERIFIER_CLOSED')
      // A caller in JavaScript may pass a value that is not a string.
      if (typeof text !== 'string') return refuse('MALFORMED_TOKEN')
      const iss = isChosen ? namedIssuer(text) : ''
      if (iss === undefined) return refuse(isChain(text) ? 'MALFORMED_GRANT' : 'MALFORMED_TOKEN')
      return coreOf(iss).judgeDelegated(text, demands)
    },
    ready: (options) => readyAll({ cores, trust, closing: closing.promise }, options),
    metrics() {
      const own = Object.fromEntries([...cores].map(([issuer, core]) => [issuer, core.metrics()]))
      const known = trust?.metrics()
      const issuers = { ...own, ...known?.issuers }
      return {
        ...sumMetrics(issuers, counts.all()),
        rememberedTokens: seen.size,
        rememberedProofs: settings.replays.size,
        issuers: isChosen ? issuers : undefined,
        admissions: known?.admissions,
      }
    },
    close,
    [Symbol.dispose]: close,
  }
}

/** A token that was accepted, and the part of the verifier that knows its issuer. */
interface Seen {
  readonly core: Pick<IssuerCore, 'holds' | 'judge'>
  readonly token: Genuine
}

interface Shared {
  readonly isClosed: () => boolean
  readonly seen: ReturnType<typeof createTokenCache<Seen>>
  readonly checkBound: CheckBound
}

/** Opens the part for tokens of other deployments, if the option `trust` is used. */
function openServerTrust(
  settings: Settings,
  own: IssuerCore | undefined,
  { seen, ...shared }: Shared & Pick<TrustOptions, 'counts'>,
): ServerTrust | undefined {
  const { trust, issuers, ...service } = settings
  if (trust === undefined || own?.follower === undefined) return undefined
  const of = { settings: { ...service, ...issuers[0] }, trust, audiences: settings.audience, follower: own.follower }
  const remember = (text: string, token: Genuine) => seen.set(text, { core: opened, token })
  const opened: ServerTrust = createServerTrust({ ...of, remember }, openTrust({ ...of, ...shared }))
  return opened
}

/** Creates the part of the verifier for each issuer, by its exact name. */
function createCores(settings: Settings, { isClosed, seen, checkBound }: Shared): ReadonlyMap<string, IssuerCore> {
  const { issuers, ...service } = settings
  const addIssuer = createKeyHolders()
  const delegatedCapacity = Math.floor(Math.min(settings.cacheSize, MAX_DELEGATED) / issuers.length)
  const cores = issuers.map((each) => {
    const core: IssuerCore = createIssuerCore({
      settings: { ...service, ...each },
      checkBound,
      addIssuer,
      delegatedCapacity,
      isClosed,
      remember: (text, token) => seen.set(text, { core, token }),
    })
    return [each.issuer, core] as const
  })
  return new Map(cores)
}
