import { describe } from 'vitest'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { authenticationCases } from './cases/authentication.ts'
import { identityCases } from './cases/identity.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === IdentityService

describe('its own rules', () => runCases(world, identityCases))
describe('assertions', () => runCases(world, authenticationCases.filter(isOurs)))
describe('other tenants', () => runCases(world, tenantCases.filter(isOurs)))
