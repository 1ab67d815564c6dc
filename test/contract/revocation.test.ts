import { describe } from 'vitest'
import { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { authenticationCases } from './cases/authentication.ts'
import { revocationCases } from './cases/revocation.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === RevocationService

describe('rules of RevocationService', () => runCases(world, revocationCases))
describe('assertions to RevocationService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call RevocationService', () => runCases(world, tenantCases.filter(isOurs)))
