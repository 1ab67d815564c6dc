import type { Deployment, PrismaClient } from '../../../gen/prisma/client.ts'
import { StartupError } from '../errors/startup-error.ts'

/**
 * Ensures that a database serves only its first issuer, and returns its deployment. Writes the largest number of
 * agents of an operator, which triggers enforce. A server with another issuer would not find the proofs of any
 * domain, because they name the first issuer, and would end the tokens of every operator.
 *
 * @throws StartupError when the database belongs to another issuer
 */
export async function claimIssuer(prisma: PrismaClient, issuer: string, maxAgents?: number): Promise<Deployment> {
  await prisma.deployment.createMany({ data: [{ issuer }], skipDuplicates: true })
  const owner = await prisma.deployment.findUniqueOrThrow({ where: { id: 1 } })
  if (owner.issuer === issuer) {
    // Only a new value is written, so that a start does not wait for a transaction that has locked the row.
    if (maxAgents === undefined || owner.maxAgents === maxAgents) return owner
    return prisma.deployment.update({ where: { id: 1 }, data: { maxAgents } })
  }
  throw new StartupError(
    `This database belongs to the issuer ${owner.issuer}, but this server is configured as ${issuer}: set AUTH4AGENT_BASE_URL=${owner.issuer} or use another database`,
  )
}
