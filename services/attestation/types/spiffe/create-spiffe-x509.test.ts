import { describe, expect, it } from 'vitest'
import { chainContext, chainEvidence } from '../../../../test/support/attestation/chain-evidence.ts'
import { commonName, time } from '../../../../test/support/attestation/der.ts'
import { withExplicitParameters } from '../../../../test/support/attestation/key-forms.ts'
import { DAY_MS, ext, keyPair, NOW, name } from '../../../../test/support/attestation/make-certificate.ts'
import { type Link, type Made, makeChain, makeLink } from '../../../../test/support/attestation/make-chain.ts'
import { makeSvid, rootEntry, TRUST_DOMAIN, WORKLOAD } from '../../../../test/support/attestation/spiffe-bundles.ts'
import { ODD_URLS } from '../../../../test/support/odd-urls.ts'
import { createSpiffeX509 } from './create-spiffe-x509.ts'

const outbound = { get: () => Promise.reject(new Error('This test has a pinned bundle')) }
const type = createSpiffeX509({ outbound, now: () => NOW })
const configOf = (root: Made | undefined) =>
  type.parseConfig({ trust_domain: TRUST_DOMAIN, bundle: { keys: [rootEntry(root)] } })
const appraise = (made: readonly Made[]) => type.appraise(configOf(made[0]), chainEvidence(made), chainContext())

describe('spiffe-x509', () => {
  it('appraises an X509-SVID whose key signs the nonce and the key of the agent', async () => {
    await expect(appraise(makeSvid({}, {}))).resolves.toEqual({
      claims: {
        spiffe_id: WORKLOAD,
        trust_domain: TRUST_DOMAIN,
        path: '/ns/default/sa/agent',
        not_after: (NOW + DAY_MS) / 1_000,
      },
      level: 'bound',
      expiresAt: NOW + DAY_MS + 1_000,
      uses: [],
    })
  })

  it.each<[string, Link, Link[]]>([
    ['an empty subject', { subject: Buffer.from([0x30, 0]), names: ext.criticalNames(name.uri(WORKLOAD)) }, []],
    ['a DNS name beside the SPIFFE ID', { names: ext.names(name.uri(WORKLOAD), name.dns('agent.example.org')) }, []],
    ['a CA with the SPIFFE ID of the trust domain', {}, [{ names: ext.names(name.uri('spiffe://example.org')) }]],
    ['an SVID in its last second', { notAfter: time(NOW) }, []],
    ['a CA that permits only its trust domain', {}, [{ more: [ext.constraints([name.uri('example.org')])] }]],
  ])('appraises %s', async (_name, leaf, cas) => {
    await expect(appraise(makeSvid(leaf, ...cas))).resolves.toMatchObject({ level: 'bound' })
  })
})

/** Appraises an SVID with a bundle of roots that have one name and one key. The first has issued the SVID. */
function appraiseUnder(roots: readonly Link[], order: (entries: readonly object[]) => readonly object[]) {
  const [first = {}, ...others] = roots.map((root) => ({ cn: 'spiffe root', ...root }))
  const made = makeChain(first, { names: ext.names(name.uri(WORKLOAD)) })
  const entries = [made[0], ...others.map((root) => makeLink(root, undefined, 0, false))].map(rootEntry)
  const config = type.parseConfig({ trust_domain: TRUST_DOMAIN, bundle: { keys: order(entries) } })
  return type.appraise(config, chainEvidence(made), chainContext())
}

describe('spiffe-x509 tries every root of the bundle that has the name and the key, in any order:', () => {
  it.each<[string, Link]>([
    ['one has expired', { notAfter: time(NOW - DAY_MS / 2) }],
    ['one has the id of a workload', { names: ext.names(name.uri(WORKLOAD)) }],
    ['one permits other domains', { more: [ext.constraints([name.uri('example.com')])] }],
  ])('%s', async (_name, bad) => {
    for (const order of [(list: readonly object[]) => list, (list: readonly object[]) => list.toReversed()]) {
      await expect(appraiseUnder([bad, {}], order)).resolves.toMatchObject({ expiresAt: NOW + DAY_MS + 1_000 })
      await expect(appraiseUnder([bad], order)).rejects.toMatchObject({ name: 'RefusedEvidence' })
    }
  })
})

const uris = (...texts: readonly string[]): Link => ({ names: ext.names(...texts.map(name.uri)) })
const BAD_ID = 'The URI of the leaf must be a SPIFFE ID with a path in the trust domain example.org'
const ONE_URI = 'The leaf must have exactly one URI among its alternative names'
const ISSUER_ID = 'Certificate 2 of the chain must have no URI, or only spiffe://example.org'

describe('spiffe-x509 refuses', () => {
  it.each<[string, Link, Link[], string]>([
    ['an SVID of another trust domain', uris('spiffe://example.com/ns/default/sa/agent'), [], BAD_ID],
    ['the SPIFFE ID of the trust domain', uris('spiffe://example.org'), [], BAD_ID],
    ['a URI that is no SPIFFE ID', uris('https://example.org/agent'), [], BAD_ID],
    ['a SPIFFE ID with an empty segment', uris('spiffe://example.org/a//b'), [], BAD_ID],
    ['a SPIFFE ID with a step up', uris('spiffe://example.org/a/../b'), [], BAD_ID],
    ['a SPIFFE ID in capitals', uris('SPIFFE://example.org/a'), [], BAD_ID],
    ['two SPIFFE IDs', uris(WORKLOAD, 'spiffe://example.org/admin'), [], ONE_URI],
    ['a SPIFFE ID and another URI', uris(WORKLOAD, 'https://example.org/'), [], ONE_URI],
    ['a leaf without a SPIFFE ID', { names: undefined }, [], ONE_URI],
    ['a leaf with only a DNS name', { names: ext.names(name.dns('example.org')) }, [], ONE_URI],
    ['a leaf that is a CA', { ca: ext.ca() }, [], 'The leaf must not be a CA certificate'],
    [
      'a leaf that may sign certificates',
      { keyUsage: ext.keyUsage(0x84, 2) },
      [],
      'The leaf must not be a CA certificate',
    ],
    [
      'a leaf that may sign CRLs',
      { keyUsage: ext.keyUsage(0x82, 1) },
      [],
      'The leaf must not have the key usage cRLSign',
    ],
    [
      'a leaf that may not sign',
      { keyUsage: ext.keyUsage(0x20, 5) },
      [],
      'The leaf must have the key usage digitalSignature',
    ],
    ['a leaf without key usage', { keyUsage: undefined }, [], 'The leaf must have the key usage digitalSignature'],
    ['a leaf that expired a second ago', { notAfter: time(NOW - 1_000) }, [], 'The leaf must not have expired'],
    [
      'a leaf whose DNS name is an address',
      { names: ext.names(name.uri(WORKLOAD), name.dns('127.0.0.1')) },
      [],
      'must have well-formed DNS names',
    ],
    [
      'a leaf with explicit parameters of its curve',
      { spki: withExplicitParameters(keyPair('P-256', 'leaf').publicKey) },
      [],
      'and name its curve',
    ],
    [
      'a leaf with a common name that its CA does not permit',
      { subject: commonName('a.example.org'), names: ext.names(name.uri(WORKLOAD), name.dns('a.example.com')) },
      [{ more: [ext.constraints([name.dns('example.com')])] }],
      'permit',
    ],
    ['a CA with the SPIFFE ID of a workload', {}, [uris(WORKLOAD)], ISSUER_ID],
    ['a CA of another trust domain', {}, [uris('spiffe://example.com')], ISSUER_ID],
    ['a CA with two URIs', {}, [uris('spiffe://example.org', 'spiffe://example.org')], ISSUER_ID],
    ['a CA that is none', {}, [{ ca: undefined }], 'Certificate 2 of the chain must be a CA certificate'],
    [
      'a CA that permits only another trust domain',
      {},
      [{ more: [ext.constraints([name.uri('example.com')])] }],
      'permit',
    ],
  ])('%s', async (_name, leaf, cas, message) => {
    await expect(appraise(makeSvid(leaf, ...cas))).rejects.toMatchObject({
      name: 'RefusedEvidence',
      message: expect.stringContaining(message),
    })
  })

  it('an SVID under the root of another bundle', async () => {
    const [other] = makeChain({ cn: 'other root' }, {})

    await expect(type.appraise(configOf(other), chainEvidence(makeSvid()), chainContext())).rejects.toThrow(
      'The chain must end with a certificate that names a pinned root',
    )
  })

  it('a signature by another key than that of the SVID', async () => {
    const made = makeSvid()
    const evidence = chainEvidence(made, { key: keyPair('P-256', 'thief').privateKey })

    await expect(type.appraise(configOf(made[0]), evidence, chainContext())).rejects.toThrow('The signature must be by')
  })
})

const bundle = { keys: [rootEntry(makeSvid()[0])] }
const url = 'https://spire.example.org/bundle'
const [entry] = bundle.keys
const spki = withExplicitParameters(keyPair('P-256', 'explicit').publicKey)
const explicitRoot = makeLink({ cn: 'explicit', spki }, undefined, 0, false)

describe('spiffe-x509 refuses a configuration', () => {
  it.each<[string, object, string]>([
    ['without a trust domain', { bundle }, 'config.trust_domain must be the name of a trust domain'],
    [
      'with a trust domain in capitals',
      { trust_domain: 'Example.org', bundle },
      'config.trust_domain must be the name',
    ],
    [
      'with a SPIFFE ID as trust domain',
      { trust_domain: 'spiffe://example.org', bundle },
      'config.trust_domain must be',
    ],
    ['without a bundle', { trust_domain: 'a' }, 'config.bundle must be there, or config.bundle_url, and not both'],
    [
      'with two bundles',
      { trust_domain: 'a', bundle, bundle_url: url },
      'config.bundle must be there, or config.bundle_url',
    ],
    ['with a bundle that is a text', { trust_domain: 'a', bundle: 'x' }, 'config.bundle must be a JSON object'],
    [
      'with an empty bundle',
      { trust_domain: 'a', bundle: { keys: [] } },
      'config.bundle must have at least one x509-svid',
    ],
    ['with a bundle without keys', { trust_domain: 'a', bundle: {} }, 'config.bundle must be a JWK Set of at most 64'],
    [
      'with a root that is no certificate',
      { trust_domain: 'a', bundle: { keys: [{ ...entry, x5c: ['AAAA'] }] } },
      'config.bundle must have good certificates: one must be strict DER',
    ],
    [
      'with a root with explicit parameters of its curve',
      { trust_domain: 'a', bundle: { keys: [rootEntry(explicitRoot)] } },
      'config.bundle must have good certificates: one must have a key of P-256',
    ],
    [
      'with two certificates in one key',
      { trust_domain: 'a', bundle: { keys: [{ ...entry, x5c: ['AAAA', 'AAAA'] }] } },
      'config.bundle must have exactly one certificate in the x5c',
    ],
    [
      'with a URL of http',
      { trust_domain: 'a', bundle_url: 'http://example.org/' },
      'config.bundle_url must be an https',
    ],
    ...ODD_URLS.map(([name, odd]): [string, object, string] => [
      `with a URL with ${name}`,
      { trust_domain: 'a', bundle_url: odd },
      odd === '' ? 'config.bundle' : 'config.bundle_url must be',
    ]),
    ['with a URL of an address', { trust_domain: 'a', bundle_url: 'https://10.0.0.1/' }, 'config.bundle_url must be'],
    [
      'with the profile https_spiffe',
      { trust_domain: 'a', bundle_url: url, bundle_profile: 'https_spiffe' },
      'config.bundle_profile must be https_web, the only supported profile',
    ],
    [
      'with a profile of a pinned bundle',
      { trust_domain: 'a', bundle, bundle_profile: 'https_web' },
      'config.bundle_profile',
    ],
    ['with an audience', { trust_domain: 'a', bundle, audience: 'x' }, 'config must not have a member "audience"'],
  ])('%s', (_name, json, message) => {
    expect(() => type.parseConfig({ ...json })).toThrow(
      expect.objectContaining({ reason: 'INVALID_ATTESTOR', message: expect.stringContaining(message) }),
    )
  })
})
