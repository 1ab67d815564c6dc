import type { Deployment, PrismaClient } from '../../../gen/prisma/client.ts'
import { StartupError } from '../errors/startup-error.ts'

/**
 * Makes sure that a database serves one issuer only, its first. An instance with another would prove domains against records
 * that name this one, find none, and end every operator's tokens. Returns what the database says of its deployment.
 *
 * @throws StartupError when the database belongs to another issuer.
 */
export async function claimIssuer(prisma: PrismaClient, issuer: string): Promise<Deployment> {
  await prisma.deployment.createMany({ data: [{ issuer }], skipDuplicates: true })
  const owner = await prisma.deployment.findUniqueOrThrow({ where: { id: 1 } })
  if (owner.issuer === issuer) return owner
  throw new StartupError(
    `This database belongs to the issuer ${owner.issuer}, and this server is configured as ${issuer}: set AUTH4AGENT_BASE_URL=${owner.issuer}, or use another database.`,
  )
}
