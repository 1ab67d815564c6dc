import { describe } from 'vitest'
import { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import { authenticationCases } from './cases/authentication.ts'
import { keysCases } from './cases/keys.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === KeysService

describe('rules of KeysService', () => runCases(world, keysCases))
describe('assertions to KeysService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call KeysService', () => runCases(world, tenantCases.filter(isOurs)))
