import { isUuid } from '@auth4agent/core/encoding/uuid'
import { parseScopeList } from '@auth4agent/core/token/scope'
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'
import type { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { Attestation } from '../attestation/index.ts'
import type { Call, Handlers } from '../calls/call.ts'
import { requireGrantable, type ServerScopes } from '../calls/server-scopes.ts'
import type { Db } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { checkLabel, checkReason } from '../platform/requests/check-text.ts'
import { pageTokenAfter } from '../platform/requests/page.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import type { Cause } from '../platform/trace/span.ts'
import { readDidVersion, type WantedVersion } from './did-versions.ts'
import { changeStatus, type StatusVerb } from './domain/change-status.ts'
import { checkInception } from './domain/check-inception.ts'
import { checkRegistration } from './domain/check-registration.ts'
import { editAgent } from './domain/edit-agent.ts'
import { parseAgentName } from './domain/parse-agent-name.ts'
import { parseDelegationDepth } from './domain/parse-delegation-depth.ts'
import type { SigningClock } from './domain/parse-key-event.ts'
import { parsePage } from './domain/parse-page.ts'
import { parseRedirectUris } from './domain/parse-redirect-uris.ts'
import { replaceScopes } from './domain/replace-scopes.ts'
import { demandResults, enrol, NEW_AGENT } from './enrol.ts'
import { readKeyFacts } from './key-events/key-facts.ts'
import { toAgent, toPublicAgent, toResolution, toTimestamp } from './messages.ts'
import { registerAgent } from './register-agent.ts'
import { type Resolver, resolveDid } from './resolve-did.ts'
import { type AgentRecord, changeAgent, listAgents, readRuleNames } from './store.ts'

/** Limits of pending agents, and times of key events. */
interface IdentitySettings {
  /** Milliseconds after which the server removes a pending agent. */
  readonly pendingTtlMs: number
  /** Maximum number of pending agents of one operator. The server removes the oldest ones beyond this number. */
  readonly maxPendingPerOperator: number
  /** Milliseconds between the request for a recovery and its effect. */
  readonly recoveryDelayMs: number
  /** Milliseconds between the request for a move and its admission without a release. */
  readonly moveDelayMs: number
  /** The clock skew that the server allows, in seconds. */
  readonly skewS: number
}

/** Returns the clock for the times in signed events and statements; `at` is in Unix milliseconds. */
export function signingClock({ skewS }: IdentitySettings, at: number): SigningClock {
  return { nowS: Math.floor(at / 1000), skewS }
}

/** Dependencies of the identity part. */
export interface IdentityDeps {
  readonly db: Db
  /** Connections for reads by operators and by callers without authentication. */
  readonly readDb: Db
  /** Returns the time in Unix milliseconds. */
  readonly now: () => number
  readonly operators: InternalClient<typeof OperatorDirectoryService>
  readonly settings: IdentitySettings
  readonly serverScopes: ServerScopes
  readonly attestation: Pick<Attestation, 'admit' | 'attestForToken' | 'checkRegistration' | 'standing'>
}

/** Creates the handlers of IdentityService. */
export function createRoutes(deps: IdentityDeps): Handlers<typeof IdentityService> {
  return { ...readingRoutes(deps), ...changingRoutes(deps), ...statusRoutes(deps) }
}

/** The number of an event. */
const VERSION = /^(?:0|[1-9]\d{0,63})$/

type Routes<K extends keyof Handlers<typeof IdentityService>> = Pick<Handlers<typeof IdentityService>, K>

function readingRoutes(deps: IdentityDeps): Routes<'listAgents' | 'getAgent' | 'resolveDid'> {
  const reading = { ...deps, db: deps.readDb }
  const { prisma } = deps.readDb
  return {
    async listAgents(request) {
      const { agents, next } = await listAgents(prisma, request.operatorId, parsePage(request))
      const factsOf = await readKeyFacts(
        prisma,
        agents.map(({ id }) => id),
      )
      const at = new Date(deps.now())
      const ruleOf = await readRuleNames(prisma, agents)
      return {
        agents: agents.map((agent) => toAgent(agent, factsOf(agent.id), at, ruleOf(agent))),
        nextPageToken: next === undefined ? '' : pageTokenAfter(next),
      }
    },

    async getAgent({ did }, call) {
      const { operator, agent, facts } = await readAgent(reading, did, call)
      const shown = toPublicAgent(agent, facts, new Date(deps.now()))
      return operator.hideAllowedScopes ? { ...shown, allowedScopes: [] } : shown
    },

    async resolveDid({ did, versionId, versionTime }, call) {
      const wanted = parseVersion(versionId, versionTime)
      const { agent, facts } = await readAgent(reading, did, call)
      const version = await readDidVersion(prisma, agent, facts, wanted, new Date(deps.now()))
      return toResolution(agent, version)
    },
  }
}

/** Returns the agent of a DID, its operator, and what its log says. Throws INVALID_DID, AGENT_NOT_FOUND. */
async function readAgent(deps: Resolver, did: string, cause: Cause) {
  const resolved = await resolveDid(deps, did, cause)
  if (resolved === undefined) throw new ApiError('INVALID_DID')
  const { operator, agent } = resolved
  if (operator === undefined || agent === null) throw new ApiError('AGENT_NOT_FOUND')
  const factsOf = await readKeyFacts(deps.db.prisma, [agent.id])
  return { operator, agent, facts: factsOf(agent.id) }
}

function parseVersion(id: string | undefined, time: Timestamp | undefined): WantedVersion {
  if (id !== undefined && time !== undefined)
    throw new ApiError('INVALID_ARGUMENT', 'version_id and version_time must not be given together')
  if (id !== undefined && !VERSION.test(id))
    throw new ApiError('INVALID_ARGUMENT', 'version_id must be a number in decimal digits without leading zeros')
  // As the versionTime of DID Resolution must be.
  if (time !== undefined && time.nanos !== 0)
    throw new ApiError('INVALID_ARGUMENT', 'version_time must be in whole seconds')
  return { id, time: time && timestampDate(time) }
}

function changingRoutes(deps: IdentityDeps): Routes<'registerAgent' | 'setAgentScopes' | 'updateAgent'> {
  const { db, now, operators, settings, attestation, serverScopes } = deps
  return {
    async registerAgent(request, call) {
      const { operatorId } = request
      if (!isUuid(operatorId)) throw new ApiError('OPERATOR_NOT_FOUND')
      const { operator } = await operators.lookupOperator({ by: { case: 'id', value: operatorId } }, call)
      if (operator === undefined) throw new ApiError('OPERATOR_NOT_FOUND')
      if (operator.status !== 'active') throw new ApiError('OPERATOR_NOT_ACTIVE')
      const at = now()
      const registration = checkRegistration(request, operator.domain)
      const agent = {
        ...registration,
        operatorId,
        inception: checkInception(request.inception, registration, signingClock(settings, at)),
        isApproved: call.principal.kind === 'operator',
        createdAt: new Date(at),
        expiresAt: new Date(at + settings.pendingTtlMs),
      }
      if (request.attestation !== undefined) return enrol(deps, call, agent, request.attestation)
      if (agent.isApproved) {
        await attestation.checkRegistration({ ...NEW_AGENT, operatorId, did: agent.did }, [])
      }
      const { id, did, status } = await registerAgent(db.prisma, call, agent, settings.maxPendingPerOperator)
      return { id, did, status }
    },

    async setAgentScopes({ operatorId, did, allowedScopes }, call) {
      const scopes = parseScopeList(allowedScopes)
      if (scopes === undefined) throw new ApiError('INVALID_SCOPE')
      await demandResults(deps, operatorId, did, scopes)
      const agent = await changeAgent(db.prisma, call, {
        operatorId,
        name: parseAgentName(did),
        action: 'agent.set-scopes',
        decide(agent) {
          const added = scopes.filter((scope) => !agent.allowedScopes.includes(scope))
          requireGrantable(serverScopes, added, call.principal)
          return replaceScopes(agent, scopes, new Date(now()))
        },
      })
      return { updated: true, did: agent.did, allowedScopes: agent.allowedScopes }
    },

    async updateAgent({ operatorId, agent: name, label, requireBoundChallenges, ...more }, call) {
      const { maxDelegationDepth: depth, redirectUris } = more
      const edit = {
        label: label === undefined ? undefined : checkLabel(label),
        requireBoundChallenges,
        maxDelegationDepth: depth === undefined ? undefined : parseDelegationDepth(depth),
        redirectUris: redirectUris && parseRedirectUris(redirectUris.uris),
      }
      const agent = await changeAgent(db.prisma, call, {
        operatorId,
        name: parseAgentName(name),
        action: 'agent.update',
        decide: (agent) => editAgent(agent, edit),
      })
      const factsOf = await readKeyFacts(db.prisma, [agent.id])
      const ruleOf = await readRuleNames(db.prisma, [agent])
      return { agent: toAgent(agent, factsOf(agent.id), new Date(now()), ruleOf(agent)) }
    },
  }
}

type StatusRequest = { operatorId: string; agent: string; reason?: string }

function statusRoutes(deps: IdentityDeps): Routes<'approveAgent' | 'suspendAgent' | 'reactivateAgent' | 'revokeAgent'> {
  const { db, now } = deps
  const apply = (verb: StatusVerb, request: StatusRequest, call: Call, at = new Date(now())): Promise<AgentRecord> =>
    changeAgent(db.prisma, call, {
      operatorId: request.operatorId,
      name: parseAgentName(request.agent),
      action: `agent.${verb}`,
      reason: checkReason(request.reason ?? ''),
      decide: ({ status }) => changeStatus(status, verb, at),
    })
  return {
    async approveAgent(request, call) {
      await demandResults(deps, request.operatorId, request.agent, [])
      const { did, status, approvedAt } = await apply('approve', request, call)
      return { agentDid: did, status, approvedAt: toTimestamp(approvedAt) }
    },

    async suspendAgent(request, call) {
      const { did, suspendedAt } = await apply('suspend', request, call)
      return { agentDid: did, suspendedAt: toTimestamp(suspendedAt) }
    },

    async reactivateAgent(request, call) {
      const at = new Date(now())
      const { did } = await apply('reactivate', request, call, at)
      return { agentDid: did, reactivatedAt: toTimestamp(at) }
    },

    async revokeAgent(request, call) {
      const { did, revokedAt } = await apply('revoke', request, call)
      return { agentDid: did, revokedAt: toTimestamp(revokedAt) }
    },
  }
}
