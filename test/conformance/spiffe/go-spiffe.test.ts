import { createPrivateKey } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSpiffeJwt } from '../../../services/attestation/types/spiffe/create-spiffe-jwt.ts'
import { createSpiffeX509 } from '../../../services/attestation/types/spiffe/create-spiffe-x509.ts'
import { chainContext, chainEvidence } from '../../support/attestation/chain-evidence.ts'
import { time } from '../../support/attestation/der.ts'
import { ext, NOW, name } from '../../support/attestation/make-certificate.ts'
import type { Link, Made } from '../../support/attestation/make-chain.ts'
import { makeSvid, rootEntry, TRUST_DOMAIN, WORKLOAD } from '../../support/attestation/spiffe-bundles.ts'
import { buildGoSpiffe, type GoSpiffe } from './go-spiffe.ts'

const deps = { outbound: { get: () => Promise.reject(new Error('The bundle is pinned')) }, now: () => NOW }
const [x509, jwt] = [createSpiffeX509(deps), createSpiffeJwt(deps)]

let go: GoSpiffe
beforeAll(async () => {
  go = await buildGoSpiffe()
})
afterAll(() => go.remove())

describe('SVIDs that are made in Go, and a bundle that go-spiffe has written,', () => {
  it('are valid', async () => {
    const context = chainContext({ now: Date.now() })
    const made = go.make(context.binding.audience)
    const config = { trust_domain: TRUST_DOMAIN, bundle: made.bundle }
    const key = createPrivateKey({ key: Buffer.from(made.key, 'base64'), type: 'pkcs8', format: 'der' })
    const evidence = chainEvidence([], { key, members: { chain: made.chain } })

    await expect(x509.appraise(x509.parseConfig(config), evidence, context)).resolves.toMatchObject({
      claims: { spiffe_id: WORKLOAD },
      level: 'bound',
    })
    await expect(jwt.appraise(jwt.parseConfig(config), Buffer.from(made.jwt), context)).resolves.toMatchObject({
      claims: { spiffe_id: WORKLOAD },
      level: 'bound',
    })
  })
})

const uris = (...texts: readonly string[]): Link => ({ names: ext.names(...texts.map(name.uri)) })

/** Whether this server and go-spiffe accept an SVID, and why they differ. */
const SVIDS: readonly [what: string, made: readonly Made[], ours: boolean, theirs: boolean, because?: string][] = [
  ['a good SVID', makeSvid(), true, true],
  ['an SVID under a CA', makeSvid({}, {}), true, true],
  ['an SVID under a CA of the trust domain', makeSvid({}, uris('spiffe://example.org')), true, true],
  ['a DNS name beside the SPIFFE ID', makeSvid({ names: ext.names(name.uri(WORKLOAD), name.dns('a.b')) }), true, true],
  ['two SPIFFE IDs', makeSvid(uris(WORKLOAD, 'spiffe://example.org/admin')), false, false],
  ['no SPIFFE ID', makeSvid({ names: undefined }), false, false],
  ['another trust domain', makeSvid(uris('spiffe://example.com/a')), false, false],
  ['an empty segment', makeSvid(uris('spiffe://example.org/a//b')), false, false],
  ['a step up', makeSvid(uris('spiffe://example.org/a/../b')), false, false],
  ['another scheme', makeSvid(uris('https://example.org/a')), false, false],
  ['a leaf that is a CA', makeSvid({ ca: ext.ca(), keyUsage: ext.keyUsage(0x84, 2) }), false, false],
  ['a leaf that may sign certificates', makeSvid({ keyUsage: ext.keyUsage(0x84, 2) }), false, false],
  ['a leaf that may sign CRLs', makeSvid({ keyUsage: ext.keyUsage(0x82, 1) }), false, false],
  ['an expired leaf', makeSvid({ notAfter: time(NOW - 1_000) }), false, false],
  ['a CA that is none', makeSvid({}, { ca: ext.notCa(), keyUsage: ext.keyUsage(0x80, 7) }), false, false],
  ['a path that is too long', makeSvid({}, { ca: ext.ca(0) }, {}), false, false],
  ['a CA of another domain by constraint', makeSvid({}, { more: [ext.constraints([name.uri('a.b')])] }), false, false],
  ['a leaf that may not sign', makeSvid({ keyUsage: ext.keyUsage(0x20, 5) }), false, true, 'the key signs the nonce'],
  ['the id of the trust domain', makeSvid(uris('spiffe://example.org')), false, true, 'it names no workload'],
  ['a CA with the id of a workload', makeSvid({}, uris(WORKLOAD)), false, true, 'X509-SVID section 3.2 forbids it'],
]

describe('go-spiffe agrees on every SVID, or the table says why not:', () => {
  it.each(SVIDS)('%s', async (_name, made, ours, theirs, because) => {
    const bundle = { keys: [rootEntry(made[0])] }
    const chain = made
      .slice(1)
      .toReversed()
      .map(({ der }) => der.toString('base64'))
    const [refusal] = go.judge(bundle, NOW / 1_000, [chain])
    const config = x509.parseConfig({ trust_domain: TRUST_DOMAIN, bundle })
    const appraised = await x509.appraise(config, chainEvidence(made), chainContext()).then(
      () => true,
      () => false,
    )

    expect({ ours: appraised, theirs: refusal === '' }).toEqual({ ours, theirs })
    expect(because !== undefined).toBe(ours !== theirs)
  })
})
