import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  attestationAnswers,
  didOf,
  ENROL_PATH,
  evidenceOf,
  OPERATOR,
  refused,
  textSource,
} from '../../../../test/support/sdk/attestation.ts'
import { clientReason } from '../../../../test/support/sdk/client-reason.ts'
import { type FakeClock, fakeClock } from '../../../../test/support/sdk/clock.ts'
import { type FakeIssuer, startIssuer } from '../../../../test/support/sdk/issuer.ts'
import { createAgent } from '../create-agent.ts'
import { generateKey } from '../keys/signers.ts'
import type { EnrolledOptions } from './enrolled-options.ts'
import type { EvidenceRequest, EvidenceSource } from './evidence-source.ts'

const key = await generateKey()
const did = didOf(key.publicKey)
const encode = (text: string) => new TextEncoder().encode(text)

let issuer: FakeIssuer
let clock: FakeClock
beforeEach(async () => {
  issuer = await startIssuer(attestationAnswers)
  clock = fakeClock()
})
afterEach(() => issuer[Symbol.asyncDispose]())

const enrolled = (options: Partial<EnrolledOptions> = {}) =>
  createAgent({ server: issuer.url, operator: OPERATOR, enrol: textSource(), key, scopes: ['read'], ...options }, clock)
const sentTo = (path: string) => issuer.seen.flatMap((each) => (each.path === path ? [each.body] : []))

describe('createAgent with enrol', () => {
  it('enrols with signed evidence, and then gets tokens as the agent', async () => {
    const agent = await enrolled({ rule: 'pods' })
    expect(agent.did).toBe(did)
    expect(agent.enrolment).toMatchObject({
      did,
      rule: 'pods',
      scopes: ['read', 'write'],
      results: [{ level: 'bound' }],
    })
    const [nonce] = sentTo('/v1/attest/nonce')
    expect(nonce).toMatchObject({ purpose: 'enrol', operator_id: OPERATOR })
    const [sent = {}] = sentTo(ENROL_PATH)
    expect(evidenceOf(sent, key.publicKey)).toEqual({ pods: ['pods', true] })
    expect(sent).toMatchObject({ attestation: { rule: 'pods' } })
    await agent.token()
    expect(issuer.count('/v1/token')).toBe(1)
    expect(issuer.count('/v1/attest')).toBe(0)
  })

  it('makes a key of its own, and sends the evidence of all sources', async () => {
    const agent = await enrolled({ key: undefined, enrol: [textSource('pods'), textSource('ci', 'a job')] })
    expect(agent.did).not.toBe(did)
    const [sent = {}] = sentTo(ENROL_PATH)
    const publicKey = Buffer.from(String(sent.agent_public_key), 'base64')
    expect(evidenceOf(sent, publicKey)).toEqual({ pods: ['pods', true], ci: ['a job', true] })
    expect(sent.attestation).not.toHaveProperty('rule')
  })

  it('gives a source the nonce, the audience, and the challenge that it asked for', async () => {
    const seen: EvidenceRequest[] = []
    const tpm: EvidenceSource = {
      attestor: 'tpm',
      challengeInput: async () => encode('ek'),
      evidence: async (request) => encode(String(seen.push(request))),
    }
    await enrolled({
      enrol: [tpm, { ...textSource(), evidence: async (request) => encode(String(seen.push(request))) }],
    })
    const [nonce] = sentTo('/v1/attest/nonce')
    expect(nonce).toMatchObject({ attestor: 'tpm', challenge_input: Buffer.from('ek').toString('base64') })
    expect(seen.map(({ challenge }) => Buffer.from(challenge).toString())).toEqual(['the challenge', ''])
    expect(seen[0]?.audience).toBe(`${issuer.url}/attest/${seen[0]?.thumbprint}`)
    expect(Object(sentTo(ENROL_PATH)[0]?.attestation).nonce).toBe(seen[0]?.nonce)
  })

  it('tries again with a new nonce when the server has no time', async () => {
    issuer.next(ENROL_PATH, { status: 503, body: { reason: 'UNAVAILABLE' } })
    clock.after = (_, run) => {
      run()
      return () => undefined
    }
    await enrolled()
    const nonces = sentTo(ENROL_PATH).map(({ attestation }) => Object(attestation).nonce)
    expect(new Set(nonces).size).toBe(2)
  })

  it.each<[string, string, () => void, Partial<EnrolledOptions>]>([
    [
      'a nonce for the audience of another server',
      'CHALLENGE_REFUSED',
      () =>
        issuer.next('/v1/attest/nonce', (good) => ({ body: { ...good, audience: 'https://other.example/attest/x' } })),
      {},
    ],
    [
      'a nonce that is none',
      'CHALLENGE_REFUSED',
      () => issuer.next('/v1/attest/nonce', (good) => ({ body: { ...good, nonce: 'x' } })),
      {},
    ],
    [
      'the DID of another key',
      'UNEXPECTED_ANSWER',
      () => issuer.next(ENROL_PATH, (good) => ({ body: { ...good, did: didOf(encode('x')) } })),
      {},
    ],
    ['refused evidence', 'EVIDENCE_REFUSED', () => issuer.next(ENROL_PATH, refused), {}],
    ['another issuer', 'ISSUER_MISMATCH', () => undefined, { issuer: 'https://other.example' }],
    [
      'a source that fails',
      'EVIDENCE_UNAVAILABLE',
      () => undefined,
      { enrol: { attestor: 'pods', evidence: () => Promise.reject(new Error('no file')) } },
    ],
    ['empty evidence', 'EVIDENCE_UNAVAILABLE', () => undefined, { enrol: textSource('pods', '') }],
    [
      'evidence of more than 32 KiB',
      'EVIDENCE_UNAVAILABLE',
      () => undefined,
      { enrol: textSource('pods', 'x'.repeat(32_769)) },
    ],
  ])('rejects for %s with %s', async (_, reason, prepare, options) => {
    prepare()
    expect(await clientReason(enrolled(options))).toBe(reason)
  })

  it.each<[string, object]>([
    ['no source', { enrol: [] }],
    ['five sources', { enrol: ['a', 'b', 'c', 'd', 'e'].map((name) => textSource(name)) }],
    ['two sources for one attestor', { enrol: [textSource(), textSource()] }],
    ['a name of an attestor that is none', { enrol: textSource('Pods') }],
    [
      'two challenges',
      { enrol: ['a', 'b'].map((name) => Object.assign(textSource(name), { challengeInput: async () => encode('x') })) },
    ],
    ['an operator that is no id', { operator: 'acme.example' }],
    ['a DID', { did }],
    ['a rotation of keys', { keyRotation: '30d' }],
    ['an unknown option', { enroll: textSource() }],
  ])('rejects with TypeError for %s, and sends nothing', async (_, options) => {
    await expect(enrolled(options)).rejects.toThrow(TypeError)
    expect(issuer.seen).toEqual([])
  })
})
