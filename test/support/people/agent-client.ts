import { randomUUID } from 'node:crypto'
import { agentDigest } from '../../../services/people/clients/domain/agent-document.ts'
import type { Db } from '../../../services/platform/db/db.ts'
import { freshOperator, insertAgent, type TestHolder } from '../authn-agents.ts'
import type { TestOperator } from '../identity.ts'
import { type ConsentedUser, REDIRECT } from './user-world.ts'

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
