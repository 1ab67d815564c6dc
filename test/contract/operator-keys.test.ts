import { describe } from 'vitest'
import { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { authenticationCases } from './cases/authentication.ts'
import { operatorKeyCases } from './cases/operator-keys.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === OperatorKeyService

describe('rules of OperatorKeyService and of operators’ keys', () => runCases(world, operatorKeyCases))
describe('assertions to OperatorKeyService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call OperatorKeyService', () => runCases(world, tenantCases.filter(isOurs)))
