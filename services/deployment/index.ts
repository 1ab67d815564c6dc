import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { DeploymentService } from '../../gen/proto/auth4agent/v1/deployment_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import type { Db } from '../platform/db/db.ts'
import type { ListedProcess } from '../platform/db/processes.ts'
import { checkReason } from '../platform/requests/check-text.ts'
import { contractSchema } from './contract-schema.ts'
import { deploymentPolicies } from './policy.ts'
import { readStanding } from './standing.ts'

/** Options of createDeployment. */
interface DeploymentOptions {
  readonly db: Db
  /** The folder of migrations of this version. */
  readonly migrationsDir: string
}

/** Creates the service with which the administrator sees the processes and runs contract steps. */
export function createDeployment({ db, migrationsDir }: DeploymentOptions): ServiceModule<typeof DeploymentService> {
  return {
    service: DeploymentService,
    policies: deploymentPolicies,
    handlers: {
      async listProcesses() {
        const { processes, steps, unlisted } = await readStanding(db.prisma, migrationsDir)
        return {
          processes: processes.map(toProto),
          contractSteps: steps.map(({ migration: { name, sql }, waitsFor }) => ({
            name,
            sql,
            waitsFor: waitsFor.map(({ id }) => id),
          })),
          unlistedSessions: unlisted,
        }
      },
      async contractSchema({ reason }, call) {
        return { applied: await contractSchema(db.prisma, call, { migrationsDir, reason: checkReason(reason) }) }
      },
    },
  }
}

const toProto = ({ id, host, version, schema, services, startedAt, seenAt, counts }: ListedProcess) => ({
  id,
  host,
  version,
  schema,
  services: [...services],
  startedAt: timestampFromDate(startedAt),
  seenAt: timestampFromDate(seenAt),
  counts,
})
