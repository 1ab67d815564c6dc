import { describe } from 'vitest'
import { DeploymentService } from '../../gen/proto/auth4agent/v1/deployment_pb.ts'
import { authenticationCases } from './cases/authentication.ts'
import { deploymentCases } from './cases/deployment.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === DeploymentService

describe('rules of DeploymentService', () => runCases(world, deploymentCases))
describe('assertions to DeploymentService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call DeploymentService', () => runCases(world, tenantCases.filter(isOurs)))
