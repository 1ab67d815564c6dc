import { describe } from 'vitest'
import { AttestationService } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { attestationCases } from './cases/attestation.ts'
import { authenticationCases } from './cases/authentication.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === AttestationService

describe('rules of attestation', () => runCases(world, attestationCases))
describe('assertions to AttestationService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call AttestationService', () => runCases(world, tenantCases.filter(isOurs)))
