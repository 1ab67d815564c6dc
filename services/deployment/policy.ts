import type { DeploymentService } from '../../gen/proto/auth4agent/v1/deployment_pb.ts'
import type { Policies } from '../calls/policy.ts'

/** Who may call each method of DeploymentService. Processes and schema belong to the whole deployment. */
export const deploymentPolicies: Policies<typeof DeploymentService> = {
  listProcesses: { callers: ['admin'], limit: 'read' },
  contractSchema: { callers: ['admin'], limit: 'manage', action: 'deployment.contract-schema', endsTokens: false },
}
