import { describe } from 'vitest'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { authenticationCases } from './cases/authentication.ts'
import { identityCases } from './cases/identity.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === IdentityService

describe('rules of IdentityService', () => runCases(world, identityCases))
describe('assertions to IdentityService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call IdentityService', () => runCases(world, tenantCases.filter(isOurs)))
