import { describe } from 'vitest'
import { TrustService } from '../../gen/proto/auth4agent/v1/trust_pb.ts'
import { authenticationCases } from './cases/authentication.ts'
import { tenantCases } from './cases/tenants.ts'
import { trustCases } from './cases/trust.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === TrustService

describe('rules of trust statements and proposals', () => runCases(world, trustCases))
describe('assertions to TrustService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call TrustService', () => runCases(world, tenantCases.filter(isOurs)))
