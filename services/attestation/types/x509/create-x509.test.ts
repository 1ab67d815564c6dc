import { describe, expect, it } from 'vitest'
import {
  chainContext,
  chainEvidence,
  type EvidenceParts,
  encodeEvidence,
} from '../../../../test/support/attestation/chain-evidence.ts'
import { distinguishedName, integer, pem, time } from '../../../../test/support/attestation/der.ts'
import { ext, keyPair, NOW, name } from '../../../../test/support/attestation/make-certificate.ts'
import { type Link, type Made, makeChain, makeCrl } from '../../../../test/support/attestation/make-chain.ts'
import { createX509 } from './create-x509.ts'

const type = createX509()
const pemOf = ({ der }: Made) => pem('CERTIFICATE', der)
const [ROOT, CA, LEAF] = makeChain(
  {},
  { serial: integer(11) },
  {
    serial: integer(0xab_cd),
    subject: distinguishedName(['2.5.4.6', 'DE'], ['2.5.4.10', 'Acme, Inc.'], ['2.5.4.3', 'runner 7']),
    names: ext.names(
      name.dns('runner.example'),
      name.uri('https://runner.example/7'),
      name.email('ops@runner.example'),
      name.ip(10, 0, 0, 7),
      name.ip(0x20, 1, 0xd, 0xb8, ...Array.from({ length: 11 }, () => 0), 1),
    ),
  },
)
if (!ROOT || !CA || !LEAF) throw new RangeError('The chain has three certificates')
const MADE = [ROOT, CA, LEAF]
const config = type.parseConfig({ roots: [pemOf(ROOT)] })
const appraise = (evidence: Uint8Array, context = chainContext(), given = config) =>
  type.appraise(given, evidence, context)

/** Evidence of a leaf that differs from a good one, under a root of its own. */
async function appraiseLeaf(link: Link, parts?: EvidenceParts) {
  const made = makeChain({}, link)
  const root = made[0] ?? ROOT
  return appraise(chainEvidence(made, parts), chainContext(), type.parseConfig({ roots: root ? [pemOf(root)] : [] }))
}

describe('x509', () => {
  it('appraises a chain whose leaf signs the nonce and the key of the agent', async () => {
    const appraisal = await appraise(chainEvidence(MADE))

    expect(appraisal).toEqual({
      claims: {
        subject_cn: 'runner 7',
        subject: String.raw`CN=runner 7,O=Acme\, Inc.,C=DE`,
        issuer: 'CN=ca 1',
        serial: 'abcd',
        dns_names: ['runner.example'],
        uris: ['https://runner.example/7'],
        emails: ['ops@runner.example'],
        ips: ['10.0.0.7', '2001:db8::1'],
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        not_after: NOW / 1_000 + 86_400,
      },
      level: 'bound',
      expiresAt: NOW + 86_401_000,
      uses: [],
    })
  })

  it.each([
    ['ES256', 'P-256'],
    ['ES384', 'P-384'],
    ['PS256', 'RSA-2048'],
    ['RS256', 'RSA-2048'],
    ['EdDSA', 'Ed25519'],
  ] as const)('appraises a signature with %s by a key of %s', async (alg, kind) => {
    await expect(appraiseLeaf({ kind }, { alg })).resolves.toMatchObject({ level: 'bound' })
  })

  it('expires with the certificate of the path that expires first', async () => {
    const made = makeChain({}, { notAfter: time(NOW + 5_000) }, {})
    const [root = ROOT] = made

    const { expiresAt } = await appraise(
      chainEvidence(made),
      chainContext(),
      type.parseConfig({ roots: [pemOf(root)] }),
    )

    expect(expiresAt).toBe(NOW + 6_000)
  })

  it('expires with the CRL that expires first', async () => {
    const crls = [ROOT, CA].map((issuer, at) =>
      pem('X509 CRL', makeCrl(issuer, { nextUpdate: [time(NOW + 7_000 + at * 1_000)] })),
    )
    const given = type.parseConfig({ roots: [pemOf(ROOT)], crls })

    await expect(appraise(chainEvidence(MADE), chainContext(), given)).resolves.toMatchObject({
      expiresAt: NOW + 7_000,
    })
  })

  it('names no subject_cn if there are two common names', async () => {
    const subject = distinguishedName(['2.5.4.3', 'a'], ['2.5.4.3', 'b'])

    const { claims } = await appraiseLeaf({ subject })

    expect(claims).not.toHaveProperty('subject_cn')
    expect(claims['subject']).toBe('CN=b,CN=a')
  })

  it('refuses a revoked leaf', async () => {
    const crls = [makeCrl(ROOT), makeCrl(CA, { revoked: [integer(0xab_cd)] })].map((crl) => crl.toString('base64'))
    const given = type.parseConfig({ roots: [pemOf(ROOT)], crls })

    await expect(appraise(chainEvidence(MADE), chainContext(), given)).rejects.toThrow('The leaf must not be revoked')
  })

  it('refuses every evidence in a dry run without a nonce', async () => {
    const { binding } = chainContext()
    const context = chainContext({ binding: { ...binding, nonce: undefined } })

    await expect(appraise(chainEvidence(MADE), context)).rejects.toThrow('The evidence must answer a nonce')
  })
})

const SIGNATURE = 'The signature must be by the key of the leaf over the nonce and the key of the agent'
const CHAIN = 'The chain must be a list of 1 to 8 certificates: DER as padded base64'
const base64 = LEAF.der.toString('base64')

describe('x509 refuses', () => {
  it.each<[string, EvidenceParts, string]>([
    ['a signature over another nonce', { nonce: 'B'.repeat(43) }, SIGNATURE],
    ['a signature over the key of another agent', { thumbprint: 'other' }, SIGNATURE],
    ['a signature for another purpose', { prefix: 'auth4agents-attestation' }, SIGNATURE],
    ['a signature by another key', { key: keyPair('P-256', 'thief').privateKey }, SIGNATURE],
    ['a signature by the key of the CA', { key: CA.pair.privateKey }, SIGNATURE],
    ['an empty signature', { members: { signature: '' } }, 'The signature must be padded base64'],
    ['a signature in base64url', { members: { signature: '_-8=' } }, 'The signature must be padded base64'],
    ['an algorithm of another key', { named: 'ES384' }, "The alg must be that of the leaf's key: ES256"],
    ['no algorithm', { named: undefined }, "The alg must be that of the leaf's key: ES256"],
    ['the algorithm none', { named: 'none' }, "The alg must be that of the leaf's key: ES256"],
    ['an HMAC', { named: 'HS256' }, "The alg must be that of the leaf's key: ES256"],
    [
      'an unknown member',
      { members: { root: base64 } },
      'The evidence must have only the members chain, signature, alg',
    ],
    ['an empty chain', { members: { chain: [] } }, CHAIN],
    ['no chain', { members: { chain: undefined } }, CHAIN],
    ['nine certificates', { members: { chain: Array.from({ length: 9 }, () => base64) } }, CHAIN],
    ['a certificate without padding', { members: { chain: ['AAA'] } }, CHAIN],
    ['a certificate that is a number', { members: { chain: [1] } }, CHAIN],
    ['a certificate with a line break', { members: { chain: [`${base64}\n`] } }, CHAIN],
    [
      'a certificate that is no DER',
      { members: { chain: [base64, 'AAAA'] } },
      'Certificate 2 of the chain must be strict DER',
    ],
    [
      'the leaf alone',
      { members: { chain: [base64] } },
      'The chain must end with a certificate that names a pinned root',
    ],
  ])('%s', async (_name, parts, message) => {
    await expect(appraise(chainEvidence(MADE, parts))).rejects.toMatchObject({
      name: 'RefusedEvidence',
      message: expect.stringContaining(message),
    })
  })

  it('a leaf that may not sign', async () => {
    const encipher = ext.keyUsage(0x20, 5)

    await expect(appraiseLeaf({ keyUsage: encipher })).rejects.toThrow('The leaf must have the key usage digital')
    await expect(appraiseLeaf({ keyUsage: undefined })).rejects.toThrow('The leaf must have the key usage digital')
  })

  it.each([
    ['text that is not JSON', Buffer.from('x'), 'The evidence must be a strict JSON object (syntax)'],
    ['a list', Buffer.from('[]'), 'The evidence must be a strict JSON object (not-an-object)'],
    ['a member twice', Buffer.from('{"alg":"ES256","alg":"ES384"}'), 'strict JSON object (duplicate-member)'],
    ['no members', encodeEvidence({}), CHAIN],
  ])('%s', async (_name, evidence, message) => {
    await expect(appraise(evidence)).rejects.toMatchObject({
      name: 'RefusedEvidence',
      message: expect.stringContaining(message),
    })
  })
})

const root = pemOf(ROOT)
const [twoCertificates, leafPem] = [`${root}${pemOf(CA)}`, pemOf(LEAF)]

describe('x509 refuses a configuration', () => {
  it.each<[string, object, string]>([
    ['without roots', {}, 'config.roots must be a list of 1 to 16 certificates'],
    ['with an empty list of roots', { roots: [] }, 'config.roots must be a list of 1 to 16'],
    ['with 17 roots', { roots: Array.from({ length: 17 }, () => root) }, 'config.roots must be a list of 1 to 16'],
    ['with one root twice', { roots: [root, root] }, 'config.roots[1] must be there once'],
    ['with a root that is a leaf', { roots: [leafPem] }, 'config.roots[0] must be a CA certificate'],
    ['with two certificates in one text', { roots: [twoCertificates] }, 'config.roots[0] must be one PEM text'],
    [
      'with a key as root',
      { roots: [root.replaceAll('CERTIFICATE', 'PRIVATE KEY')] },
      'config.roots[0] must be one PEM',
    ],
    ['with text around the root', { roots: [`root:\n${root}`] }, 'config.roots[0] must be one PEM text'],
    ['with a root that is a number', { roots: [1] }, 'config.roots[0] must be one PEM text'],
    ['with an empty root', { roots: [''] }, 'config.roots[0] must be one PEM text'],
    ['with an empty list of CRLs', { roots: [root], crls: [] }, 'config.crls must be a list of 1 to 16'],
    ['with a certificate as CRL', { roots: [root], crls: [root] }, 'config.crls[0] must be one PEM text'],
    ['with a CRL that is no DER', { roots: [root], crls: ['AAAA'] }, 'config.crls[0] must be strict DER'],
    ['with an unknown member', { roots: [root], root }, 'config must not have a member "root"'],
    [
      'with a purpose by name',
      { roots: [root], required_ekus: ['clientAuth'] },
      'config.required_ekus must be a list of obj',
    ],
    ['with a negative max_path', { roots: [root], max_path: -1 }, 'config.max_path must be a whole number between'],
    ['with a max_path as text', { roots: [root], max_path: '1' }, 'config.max_path must be a whole number between'],
  ])('%s', (_name, json, message) => {
    expect(() => type.parseConfig({ ...json })).toThrow(
      expect.objectContaining({ reason: 'INVALID_ATTESTOR', message: expect.stringContaining(message) }),
    )
  })

  it('and applies max_path and required_ekus', async () => {
    const none = type.parseConfig({ roots: [root], max_path: 0 })
    const clients = type.parseConfig({ roots: [root], required_ekus: ['1.3.6.1.5.5.7.3.2'] })

    await expect(appraise(chainEvidence(MADE), chainContext(), none)).rejects.toThrow('must have at most 0 CA')
    await expect(appraise(chainEvidence(MADE), chainContext(), clients)).rejects.toThrow(
      'The leaf must have the extended',
    )
  })
})
