import { beforeAll, describe } from 'vitest'
import { AttestationPolicyService } from '../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import { attestationPolicyCases, fullAttestationPolicyCases } from './cases/attestation-policy.ts'
import { authenticationCases } from './cases/authentication.ts'
import { tenantCases } from './cases/tenants.ts'
import { runCases, useWorld } from './support/run-cases.ts'
import { fillAttestationPolicy } from './support/seed-attestation-policy.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === AttestationPolicyService

describe('rules of AttestationPolicyService', () => runCases(world, attestationPolicyCases))
describe('assertions to AttestationPolicyService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call AttestationPolicyService', () => runCases(world, tenantCases.filter(isOurs)))

describe('an operator with as many attestors, rules, requirements and join tokens as it may have', () => {
  beforeAll(() => fillAttestationPolicy(world().db, world().operators.acme.id))
  runCases(world, fullAttestationPolicyCases)
})
