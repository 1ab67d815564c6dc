import type { JsonObject } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { OAuthService } from '../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { ACCESS_TOKEN } from '../support/exchanges.ts'
import { detailsOf } from '../support/grant-details.ts'
import { SHOP } from '../support/held-chains.ts'
import { exchangeCases, exchangeRequest, mayAct, proofBy } from './cases/exchanges.ts'
import { idJagCases } from './cases/id-jags.ts'
import { EVERYWHERE } from './cases/proofs.ts'
import type { Transport } from './support/refusal.ts'
import { runCases, useWorld } from './support/run-cases.ts'
import { claimsOf, sendGood } from './support/send-good.ts'

const world = useWorld()

runCases(world, [...exchangeCases, ...idJagCases])

/** Exchanges a chain of acme's active agent as its committed agent, with other fields. */
async function exchange(transport: Transport, fields: JsonObject = {}) {
  const sent = await sendGood(world(), transport, {
    method: OAuthService.method.token,
    request: await exchangeRequest(world(), fields),
    proof: ({ agents }, target) => proofBy(agents.committed, target),
  })
  return sent.expectAnswered()
}

describe.each(EVERYWHERE)('the exchange over %s', (transport) => {
  it('gives a token in which the client acts for the first holder of a chain', async () => {
    const { active, committed } = world().agents
    const details = detailsOf({ [`${SHOP}#pay`]: { amount: { constraint_type: 'range', max: 5 } } })
    const issued = await exchange(transport, { authorization_details: details })
    expect(issued).toMatchObject({
      issued_token_type: ACCESS_TOKEN,
      token_type: 'DPoP',
      scope: 'read',
      authorization_details: JSON.parse(details),
    })
    expect(claimsOf(issued['access_token'])).toMatchObject({
      sub: active.did,
      client_id: committed.did,
      act: { sub: committed.did },
      aud: [SHOP],
    })
  })

  it('takes an access token that names the client', async () => {
    const issued = await exchange(transport, { subject_token: mayAct(world()), subject_token_type: ACCESS_TOKEN })
    const { active, committed } = world().agents
    expect(claimsOf(issued['access_token'])).toMatchObject({ sub: active.did, act: { sub: committed.did } })
  })

  it('changes nothing but its redemption, its proof and the audit', async () => {
    const before = await world().snapshot('')
    await exchange(transport)
    const { tables } = await world().snapshot('')
    const changed = Object.keys(tables).filter((name) => tables[name] !== before.tables[name])
    expect(changed).toEqual(['audit_logs', 'redemptions', 'used_assertions'])
  })
})
