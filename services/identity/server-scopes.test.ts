import type { OperatorRole } from '@auth4agent/core/identity/operator-roles'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PutEnrolmentRuleRequestSchema } from '../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import { SetAgentScopesRequestSchema } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { registerWithLog } from '../../test/support/agent-log.ts'
import { enrolments, newKey as newEd25519Key } from '../../test/support/enrolment.ts'
import {
  asOperator,
  everything,
  type IdentityFixture,
  identityFixture,
  type TestOperator,
} from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import type { Call } from '../calls/call.ts'

let fixture: IdentityFixture
let operator: TestOperator
let agent: Awaited<ReturnType<typeof registerWithLog>>

beforeAll(async () => {
  fixture = await identityFixture()
  operator = await fixture.operator('acme.example')
})
afterAll(() => fixture.drop())

beforeEach(async () => {
  fixture.clock.now += 1000
  agent = await registerWithLog(fixture.identity, operator, () => fixture.clock.now)
})

/** Returns a call that an operational key with these roles has signed; without roles, one by a root key. */
function by(...roles: OperatorRole[]): Call {
  const call = asOperator(operator)
  if (call.principal.kind !== 'operator' || roles.length === 0) return call
  const key = { ...call.principal.key, label: 'bob', isRoot: false, roles }
  return { ...call, principal: { ...call.principal, key } }
}

const grant = (scopes: string[], call: Call) => {
  const request = { operatorId: operator.id, did: agent.did, allowedScopes: scopes }
  return fixture.identity.module.handlers.setAgentScopes(create(SetAgentScopesRequestSchema, request), call)
}
const scopes = async () => (await fixture.db.prisma.agent.findUniqueOrThrow({ where: { id: agent.id } })).allowedScopes

async function expectRefusal(work: () => Promise<unknown>, reason: string, detail: string): Promise<void> {
  const before = await everything(fixture.db)
  await expect(work()).rejects.toMatchObject({ reason, message: detail })
  expect(await everything(fixture.db)).toEqual(before)
}

const NEEDS_POLICY = (roles: string) =>
  `The key "bob" must have the role policy for an agent with the scope ssf.manage, but has only ${roles}`

describe('a scope that reaches calls of the server', () => {
  it('is given only by a key whose roles allow these calls', async () => {
    const refused = () => grant(['read', 'ssf.manage'], by('agents.manage', 'agents.revoke'))
    await expectRefusal(refused, 'ROLE_REQUIRED', NEEDS_POLICY('agents.manage, agents.revoke'))
    expect(await scopes()).toEqual([])
    await grant(['read', 'ssf.manage'], by('agents.manage', 'policy'))
    expect(await scopes()).toEqual(['read', 'ssf.manage'])
  })

  it('is given by root keys, and by every key if its calls need no role', async () => {
    await grant(['ssf.manage'], by())
    await grant(['ssf.read'], by('agents.manage'))
    expect(await scopes()).toEqual(['ssf.read'])
  })

  it('stays when a key without the role changes the other scopes, and can be taken away by it', async () => {
    await grant(['ssf.manage'], by())
    await grant(['read', 'ssf.manage'], by('agents.manage'))
    expect(await scopes()).toEqual(['read', 'ssf.manage'])
    await grant(['read'], by('agents.manage'))
    expect(await scopes()).toEqual(['read'])
    await expectRefusal(
      () => grant(['ssf.manage'], by('agents.manage')),
      'ROLE_REQUIRED',
      NEEDS_POLICY('agents.manage'),
    )
  })
})

const RULE = { name: 'web', allOf: ['tokens'], label: 'web', maxAgents: 2 }

/** Returns the calls of a new operator that has an attestor for its rules. */
async function rules() {
  operator = await fixture.operator(`rules${fixture.clock.now}.example`)
  const calls = enrolments(fixture, operator, () => fixture.clock.now)
  await calls.insertAttestor('tokens')
  return calls
}

describe('an enrolment rule', () => {
  it('gives no scope whose calls need a role, whichever key puts it', async () => {
    await rules()
    for (const call of [by(), by('agents.manage', 'policy')]) {
      const rule = { ...RULE, scopes: ['read', 'ssf.manage'] }
      const request = create(PutEnrolmentRuleRequestSchema, { operatorId: operator.id, name: RULE.name, rule })
      const detail =
        'An enrolment rule must not give the scope ssf.manage, because its calls need a role: give it to each agent'
      await expectRefusal(
        async () => fixture.attestation.policy.handlers.putEnrolmentRule(request, call),
        'INVALID_RULE',
        detail,
      )
    }
  })

  it('enrols nobody if an earlier version of the server has stored such a scope', async () => {
    const calls = await rules()
    const id = await calls.putRule({ ...RULE, scopes: ['read'] })
    const { content } = await fixture.db.prisma.enrolmentRule.findUniqueOrThrow({ where: { id } })
    const stored = { ...(content as object), scopes: ['read', 'ssf.manage'] }
    await fixture.db.prisma.enrolmentRule.update({ where: { id }, data: { content: stored } })
    const key = newEd25519Key()
    const attestation = await calls.attestation(key)
    expect(await refusalOf(calls.enrol(attestation, key))).toBe('ENROLMENT_REFUSED')
    await calls.putRule({ ...RULE, scopes: ['read', 'ssf.read'] })
    const other = newEd25519Key()
    expect(await calls.enrol(await calls.attestation(other), other)).toMatchObject({ status: 'active' })
  })
})
