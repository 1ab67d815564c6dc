import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { bounds, finding, inMs, metDemand, RESULT, unmetDemand } from '../../../test/support/attestations.ts'
import type { Attestations } from '../../../test/support/authn.ts'
import { payloadOf } from '../../../test/support/federation/chained-server.ts'
import { type ProviderWorld, useProviderWorld } from '../../../test/support/federation/identity-provider.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

let state: Attestations
const serve = useProviderWorld(() => state)
let world: ProviderWorld
let rule: string

beforeAll(async () => {
  world = serve()
  rule = await world.put()
})
beforeEach(() => {
  state = {}
})

it('a token for a user states the results of the agent that acts, and ends with what these rest on', async () => {
  const [enrolment, attestor] = [randomUUID(), randomUUID()]
  state = {
    enrolment: bounds({ edge: enrolment, scopes: ['read', 'write'], tokenTtl: 200 }),
    demands: [metDemand({ edges: [attestor], metUntil: inMs(100_000) })],
    findings: [finding()],
  }
  const agent = await world.agent()
  const { accessToken } = await world.redeem(agent, world.idJag(agent))
  const { edges, attestation, exp, iat } = payloadOf(accessToken)
  expect({ edges, attestation }).toEqual({
    edges: [rule, enrolment, attestor],
    attestation: [{ ...RESULT, at: Number(RESULT.at) }],
  })
  expect(Number(exp) - Number(iat)).toBeLessThanOrEqual(100)
})

it('a token for a user lives no longer than the enrolment rule of the agent says', async () => {
  state = { enrolment: bounds({ edge: randomUUID(), scopes: ['read', 'write'], tokenTtl: 45 }) }
  const agent = await world.agent()
  expect(await world.redeem(agent, world.idJag(agent))).toMatchObject({ expiresIn: 45 })
})

it.each<[string, string, () => Attestations]>([
  [
    'a demand that the agent does not meet',
    'ATTESTATION_REQUIRED',
    () => ({ demands: [unmetDemand({ scopes: ['write'] })] }),
  ],
  [
    'a rule without a scope',
    'SCOPE_NOT_ALLOWED',
    () => ({ enrolment: bounds({ edge: randomUUID(), scopes: ['read'] }) }),
  ],
])('a token for a user is refused because of %s: %s', async (_, reason, stateNow) => {
  state = stateNow()
  const agent = await world.agent()
  expect(await refusalOf(world.redeem(agent, world.idJag(agent)))).toBe(reason)
})
