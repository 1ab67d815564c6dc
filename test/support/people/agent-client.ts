import { randomUUID } from 'node:crypto'
import type { Call } from '../../../services/calls/call.ts'
import { agentDigest } from '../../../services/people/clients/domain/agent-document.ts'
import type { Db } from '../../../services/platform/db/db.ts'
import type { Attestations } from '../authn.ts'
import { clientAssertion, freshOperator, insertAgent, type TestHolder } from '../authn-agents.ts'
import { provenCall } from '../exchanges.ts'
import type { TestOperator } from '../identity.ts'
import { type ConsentedUser, REDIRECT, useUserWorld } from './user-world.ts'

/** A user with a consent for an agent at one audience. */
export interface UserOfAgent extends ConsentedUser {
  readonly agent: TestHolder
  /** The operator of the agent. */
  readonly vendor: TestOperator
}

/**
 * Makes an agent for which a user has given the same consent as for the client of the world. The owner of the audience
 * lets the agent act for users. If the agent is not its own, the owner lets the agents of its operator call, too.
 */
export async function insertUserOfAgent(
  db: Db,
  user: ConsentedUser,
  whose: 'vendor' | 'owner' = 'vendor',
): Promise<UserOfAgent> {
  const { prisma } = db
  const { operator, owner, subject, audience } = user
  const vendor = whose === 'owner' ? owner : await freshOperator(db)
  const agent = await insertAgent(db, vendor)
  const redirectUris = [REDIRECT]
  await prisma.agent.update({ where: { id: agent.id }, data: { redirectUris } })
  const key = { operatorId: owner.id, audience }
  if (vendor !== owner) {
    await prisma.operatorAudience.update({ where: { operatorId_audience: key }, data: { callers: [vendor.domain] } })
    await prisma.operator.update({ where: { id: owner.id }, data: { version: { increment: 1 } } })
  }
  const [clientEdge, consentId] = [randomUUID(), randomUUID()]
  const listed = { clientId: agent.did, status: 'allowed', edgeId: clientEdge, name: '', putAt: new Date() } as const
  await prisma.client.create({ data: { operatorId: owner.id, ...listed } })
  const capabilities = [`${audience}#read`, `${audience}#write`]
  const given = { audience, ownerId: owner.id, capabilities, givenAt: new Date() }
  const shown = { clientAuth: 'private_key_jwt', clientDigest: agentDigest({ operatorId: vendor.id, redirectUris }) }
  const of = { operatorId: operator.id, subject, clientId: agent.did }
  await prisma.consent.create({ data: { id: consentId, ...of, ...given, ...shown } })
  return { ...user, agent, vendor, clientEdge, consentId }
}

/** What an agent sends that differs from a good request. */
export interface AgentWishes {
  readonly as?: TestHolder
  readonly claims?: object
  readonly members?: object
  readonly call?: Call
}

/** Returns the members with which an agent authenticates. */
export function asAgent({ agent }: UserOfAgent, { as = agent, claims = {}, members = {} }: AgentWishes = {}) {
  return { clientId: as.did, ...clientAssertion(as, claims), ...members }
}

async function callOf({ agent }: UserOfAgent, { as = agent, call }: AgentWishes): Promise<Call> {
  return call ?? (await provenCall(as))
}

/** Opens a world in which agents act for users, before the tests of a file. */
export function useAgentWorld(attestationOf?: (did: string) => Attestations) {
  const world = useUserWorld(attestationOf)
  /** Redeems a code as an agent does. */
  const redeem = async (of: UserOfAgent, code: string, wishes: AgentWishes = {}) =>
    world().redeem(code, asAgent(of, wishes), await callOf(of, wishes), 1)
  return {
    world,
    redeem,
    insert: async (whose: 'vendor' | 'owner' = 'vendor'): Promise<UserOfAgent> => {
      const { user, database } = world()
      return insertUserOfAgent(database.db, await user('another'), whose)
    },
    /** Refreshes as an agent does. */
    refresh: async (of: UserOfAgent, refreshToken: string, wishes: AgentWishes = {}) =>
      world().refresh(refreshToken, asAgent(of, wishes), await callOf(of, wishes), 1),
    connect: async (of: UserOfAgent) => {
      const { accessToken = '', refreshToken = '' } = await redeem(of, await world().code(of))
      return { accessToken, refreshToken }
    },
    /** Asks a process whether a token is valid, for a service that has checked the proof of its key. */
    verdictOf: async (token: string, { audience }: UserOfAgent, process: 0 | 1 = 0) => {
      const wanted = { audience: [audience], scope: 'read', delegation: 'accept', proofChecked: true }
      const { valid, reason } = await world().instances[process].verify(token, wanted)
      return valid === true ? 'VALID' : reason
    },
    query: (text: string, values: unknown[] = []) => world().database.db.pool.query(text, values),
  }
}
