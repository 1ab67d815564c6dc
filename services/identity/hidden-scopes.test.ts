import { afterAll, expect, it } from 'vitest'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { activeOperator, twoInstances } from '../../test/support/operator-instance.ts'
import { ed25519Key } from '../../test/support/operator-team.ts'

const { world, prisma, one, two, drop } = await twoInstances()

const alice = ed25519Key('alice')
const { registerAgent, setAgentScopes, getAgent, listAgents } = IdentityService.method
const { setOperatorPolicy, getOperatorPolicy } = OperatorRegistryService.method

afterAll(drop)

/** Creates an operator with an agent that may read. */
async function agentOf(domain: string) {
  const id = await activeOperator(world, one, domain, alice)
  const request = { operatorId: id, agentPublicKey: ed25519Key('agent').publicKey }
  const { did } = await one.call(registerAgent, id, request, { by: alice })
  await one.call(setAgentScopes, id, { operatorId: id, did, allowedScopes: ['read'] }, { by: alice })
  return { id, did }
}

const shown = async (did: string, at = two) => (await at.call(getAgent, '', { did })).allowedScopes

it('getAgent leaves out the scopes of an operator that hides them, on every process, until it shows them again', async () => {
  const { id, did } = await agentOf('private.example.com')
  const other = await agentOf('public.example.com')
  expect(await shown(did)).toEqual(['read'])
  const before = await prisma.operator.findUniqueOrThrow({ where: { id } })
  const set = (hideAllowedScopes: boolean) =>
    one.call(setOperatorPolicy, id, { id, policy: { hideAllowedScopes } }, { by: alice })
  expect((await set(true)).policy).toMatchObject({ hideAllowedScopes: true, requireBodyDigest: false })
  expect((await two.call(getOperatorPolicy, id, { id }, { by: alice })).policy?.hideAllowedScopes).toBe(true)
  expect([await shown(did, one), await shown(did, two)]).toEqual([[], []])
  expect(await shown(other.did)).toEqual(['read'])
  const { agents } = await two.call(listAgents, id, { operatorId: id }, { by: alice })
  expect(agents.map(({ allowedScopes }) => allowedScopes)).toEqual([['read']])
  await set(false)
  expect(await shown(did)).toEqual(['read'])
  const after = await prisma.operator.findUniqueOrThrow({ where: { id } })
  expect(after).toMatchObject({ version: before.version + 2, epoch: before.epoch })
})
