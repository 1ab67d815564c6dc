import { describe } from 'vitest'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { authenticationCases } from './cases/authentication.ts'
import { operatorRegistryCases } from './cases/operator-registry.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === OperatorRegistryService

describe('rules of OperatorRegistryService', () => runCases(world, operatorRegistryCases))
describe('assertions to OperatorRegistryService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call OperatorRegistryService', () => runCases(world, tenantCases.filter(isOurs)))
