import { deriveGrant } from '@auth4agent/core/delegation/sign-grant'
import { parseDid } from '@auth4agent/core/identity/did'
import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import type { AgentKeys } from '../key-events/agent-keys.ts'
import type { Runtime } from '../runtime.ts'
import type { Server } from '../server.ts'
import type { AgentSigner } from '../signer.ts'
import { type DelegateOptions, type GivingCalls, GRANT_CALL_NAMES } from './agent-grant-calls.ts'
import { type GrantTerms, readGrantTerms } from './grant-terms.ts'
import type { HeldChain, HeldGrant } from './held-grant.ts'
import { type HolderStatement, readHolderStatement } from './holder-statements.ts'
import { throwRefused } from './refused-grant.ts'
import { requestGrant } from './request-grant.ts'

/** The agent that requests and gives grants. */
interface Delegator {
  readonly server: Server
  readonly did: string
  readonly keys: AgentKeys
  readonly runtime: Runtime
  /** Stops all calls. */
  readonly closing: AbortSignal
  /** The chain that the agent holds, if it has the option `grant`. */
  readonly held: HeldGrant | undefined
}

/** A statement is used for a minute only: after that, the agent may have another key or other epochs. */
const STATEMENT_AGE_MS = 60_000
/** The most agents whose statements are kept. */
const MAX_STATEMENTS = 100

/** Makes the calls for grants. */
export function createGrantCalls(delegator: Delegator): GivingCalls {
  const { server, did, keys, closing, held } = delegator
  const statementOf = keepStatements(delegator)
  const stopOf = ({ signal }: { readonly signal?: AbortSignal | undefined }) => {
    closing.throwIfAborted()
    return signal === undefined ? closing : AbortSignal.any([signal, closing])
  }
  const newRoot = async (signer: AgentSigner, terms: GrantTerms, signal: AbortSignal): Promise<HeldChain> => {
    const { grant, hop } = await requestGrant({
      server,
      did,
      signer,
      terms: { ...terms, depth: terms.depth + 1 },
      signal,
    })
    return { token: grant, principal: hop.did, leaf: hop }
  }
  return {
    async requestGrant(options) {
      refuseUnknownNames('option', options, GRANT_CALL_NAMES.requestGrant)
      const [terms, signal] = [readGrantTerms(options, 1), stopOf(options)]
      const { grant, hop } = await keys.use((signer) => requestGrant({ server, did, signer, terms, signal }))
      const { id: grantId, exp, maxDepth: depth, allowedDomains: domains } = hop
      return { grant, grantId, expiresAt: new Date(exp * 1000), depth, domains }
    },
    async delegate(options) {
      refuseUnknownNames('option', options, GRANT_CALL_NAMES.delegate)
      const [terms, signal] = [readGrantTerms(options, 0), stopOf(options)]
      if (parseDid(options.to) === undefined) throw new TypeError('to must be the DID of an agent')
      const statement = await statementOf(options.to, server.nowMs() + terms.ttl * 1000, signal)
      return keys.use(async (signer) => {
        const parent = await (held === undefined ? newRoot(signer, terms, signal) : held.current(signal))
        signal.throwIfAborted()
        const nowS = server.nowMs() / 1000
        // A root that was requested for this grant is as old as the rounding of two clocks.
        const longest = held === undefined ? parent.leaf.exp : Number.POSITIVE_INFINITY
        const derivation = derivationOf(parent, { ...terms, statement, longest, nowS }, options)
        return deriveGrant(signer, parent.token, { ...derivation, issuer: server.issuer }, nowS).catch(throwRefused)
      })
    },
  }
}

/** What is known when a grant is derived. */
interface Derived extends GrantTerms {
  readonly statement: HolderStatement
  /** Unix seconds at which the grant expires at the latest. */
  readonly longest: number
  readonly nowS: number
}

function derivationOf(
  { leaf }: HeldChain,
  { capabilities, ttl, depth, statement, longest, nowS }: Derived,
  { domains }: DelegateOptions,
) {
  return {
    to: statement.publicKey,
    statement: statement.statement,
    capabilities,
    expires: Math.min(Math.floor(nowS) + ttl, longest, statement.expiresAt.getTime() / 1000),
    maxDepth: leaf.depth + 1 + depth,
    allowedDomains: domains,
  }
}

/** Reads statements about agents, and keeps each for a minute. It reads a new one for a grant that lasts longer. */
function keepStatements({ server, runtime }: Delegator) {
  const kept = new Map<string, { readonly statement: HolderStatement; readonly atMs: number }>()
  return async (did: string, untilMs: number, signal: AbortSignal): Promise<HolderStatement> => {
    const known = kept.get(did)
    const isFresh = known !== undefined && runtime.monotonicMs() - known.atMs < STATEMENT_AGE_MS
    if (isFresh && known.statement.expiresAt.getTime() >= untilMs) return known.statement
    const atMs = runtime.monotonicMs()
    const statement = await readHolderStatement(server.transport, did, signal)
    keepNewest(kept, did, { statement, atMs }, MAX_STATEMENTS)
    return statement
  }
}
