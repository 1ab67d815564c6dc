import { DeploymentService } from '../../../gen/proto/auth4agent/v1/deployment_pb.ts'
import type { RefusalCase } from '../support/refusal.ts'

/** Cases about the rules of DeploymentService. */
export const deploymentCases: readonly RefusalCase[] = [
  {
    name: 'a step for which a process of an older version runs',
    method: DeploymentService.method.contractSchema,
    reason: 'OLD_PROCESSES',
    caller: 'admin',
    request: async ({ db: { prisma } }) => {
      await prisma.$executeRaw`DELETE FROM _prisma_migrations WHERE migration_name LIKE '%\\_contract\\_%'`
      await prisma.process.create({
        data: { id: crypto.randomUUID(), host: 'old', version: '0', schema: '0', services: [] },
      })
      return {}
    },
  },
]
