import { createPrivateKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { chainContext, chainEvidence } from '../../../../test/support/attestation/chain-evidence.ts'
import { TRUST_DOMAIN, WORKLOAD } from '../../../../test/support/attestation/spiffe-bundles.ts'
import { json, openOutbound, startOutside } from '../../../../test/support/outside-server.ts'
import { createSpiffeJwt } from './create-spiffe-jwt.ts'
import { createSpiffeX509 } from './create-spiffe-x509.ts'
import recorded from './vectors/go-spiffe.json' with { type: 'json' }

const now = recorded.now * 1_000
const key = createPrivateKey({ key: Buffer.from(recorded.key, 'base64'), type: 'pkcs8', format: 'der' })
const X509_SVID = chainEvidence([], { key, members: { chain: recorded.chain } })
const JWT_SVID = Buffer.from(recorded.jwt)

/** Appraises both SVIDs by the bundle that an endpoint serves. */
async function appraiseBoth(bundle: object) {
  const { port } = await startOutside(json(bundle))
  const { outbound } = openOutbound()
  const config = { trust_domain: TRUST_DOMAIN, bundle_url: `http://localhost:${port}/`, bundle_profile: 'https_web' }
  const [x509, jwt] = [createSpiffeX509({ outbound, now: () => now }), createSpiffeJwt({ outbound, now: () => now })]
  const context = chainContext({ now })
  return Promise.allSettled([
    x509.appraise(x509.parseConfig(config), X509_SVID, context),
    jwt.appraise(jwt.parseConfig(config), JWT_SVID, context),
  ])
}

const refused = (message: string) => ({
  status: 'rejected',
  reason: expect.objectContaining({ name: 'RefusedEvidence', message }),
})

describe('SVIDs that were made in Go', () => {
  it('are valid by the bundle of an endpoint', async () => {
    const value = expect.objectContaining({ claims: expect.objectContaining({ spiffe_id: WORKLOAD }), level: 'bound' })

    expect(await appraiseBoth(recorded.bundle)).toEqual([
      { status: 'fulfilled', value },
      { status: 'fulfilled', value },
    ])
  })

  it('are refused by an empty bundle, which revokes everything', async () => {
    expect(await appraiseBoth({ keys: [] })).toEqual([
      refused('The bundle has no x509-svid key, so every X509-SVID is revoked'),
      refused('The bundle has no jwt-svid key, so every JWT-SVID is revoked'),
    ])
  })
})
