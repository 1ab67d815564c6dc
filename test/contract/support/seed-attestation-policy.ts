import { randomBytes, randomUUID } from 'node:crypto'
import type { Db } from '../../../services/platform/db/db.ts'

/** A DID that no agent has. */
const NO_AGENT = `did:agent:acme-operator.com:${'0'.repeat(32)}`

/**
 * Inserts for an operator an attestor `machines` with a join token, a rule and a requirement of the same name. The
 * requirement is only for an agent that does not exist, so it stops no other call.
 */
export async function seedAttestationPolicy({ prisma }: Db, operatorId: string) {
  const name = 'machines'
  const [attestorId, joinToken] = [randomUUID(), randomUUID()]
  await prisma.attestor.create({
    data: { id: attestorId, operatorId, name, type: 'join-token', config: {}, resultTtl: 3600 },
  })
  await prisma.joinToken.create({ data: joinTokenRow(joinToken, attestorId) })
  await prisma.enrolmentRule.create({ data: { operatorId, name, content: ruleContent(name) } })
  await prisma.attestationRequirement.create({ data: { operatorId, name, content: requirementContent(name) } })
  return { joinToken }
}

const many = (count: number) => Array.from({ length: count }, (_, index) => `full-${index}`)

/** Gives an operator as many attestors, rules, requirements and join tokens as it may have. */
export async function fillAttestationPolicy({ prisma }: Db, operatorId: string): Promise<void> {
  const attestor = { operatorId, type: 'join-token', config: {}, resultTtl: 3600 }
  await prisma.attestor.createMany({
    data: many(31).map((name) => Object.assign({ name: name.replace('-', '_') }, attestor)),
    skipDuplicates: true,
  })
  await prisma.enrolmentRule.createMany({
    data: many(64).map((name) => ({ operatorId, name, content: ruleContent(name) })),
  })
  await prisma.attestationRequirement.createMany({
    data: many(32).map((name) => ({ operatorId, name, content: requirementContent(name) })),
  })
  const { id } = await prisma.attestor.findFirstOrThrow({ where: { operatorId, name: 'machines' } })
  await prisma.joinToken.createMany({ data: many(1000).map(() => joinTokenRow(randomUUID(), id)) })
}

function joinTokenRow(id: string, attestorId: string) {
  const expiresAt = new Date(Date.now() + 86_400_000)
  return { id, attestorId, digest: Uint8Array.from(randomBytes(32)), label: 'web', expiresAt }
}

function ruleContent(name: string) {
  const lists = { allOf: [], anyOf: ['machines'], scopes: [], audiences: [] }
  const numbers = { tokenTtl: 0, maxAgents: 1, expireUnused: 0 }
  return { name, ...lists, when: '', label: '', ...numbers, endTokens: false }
}

function requirementContent(name: string) {
  const lists = { agents: [NO_AGENT], scopes: [], audiences: [], allOf: ['machines'], anyOf: [] }
  return { name, ...lists, when: '', level: 'bearer', maxAge: 0, at: ['registration', 'token'], endTokens: false }
}
