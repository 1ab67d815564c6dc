import { expect, it } from 'vitest'
import { oauthPolicies } from './policy.ts'

it('every call of an OAuth client is limited by the client, also if it leaves client_id out', () => {
  for (const policy of Object.values(oauthPolicies)) {
    expect(policy).toMatchObject({ limitBy: 'clientId', limitByIssuerOf: 'clientAssertion' })
  }
})
