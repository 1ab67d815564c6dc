import { describe, expect, it } from 'vitest'
import { clientReason } from '../../../test/support/sdk/client-reason.ts'
import { generatePrivateKey } from './node/index.ts'
import { createOperator } from './operator.ts'
import type { OperatorAttestation } from './operator-attestation.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const TOKEN = '0190aaaa-0000-7000-8000-000000000001'
const BASE = `/v1/operators/${ID}`
const DID = `did:agent:acme.example:${'a'.repeat(32)}`
const { signer: key } = generatePrivateKey()

const attestor = { name: 'ci', type: 'github-actions', config: { repository: 'acme/deploy' }, result_ttl: 600 }
const rule = { name: 'deploy', all_of: ['ci'], scopes: ['deploy'], max_agents: 5 }
const requirement = { name: 'fresh', all_of: ['ci'], max_age: 60 }
const joinToken = { id: TOKEN, label: 'n1', expires_at: 't', used_by: '' }
const result = { attestor: 'ci', type: 'oidc', level: 'bound', claims: {}, verified_at: 't', expires_at: 't' }
const dryRun = {
  evidence: [
    { attestor: 'ci', result, refusal: '', missing: ['a nonce'] },
    { attestor: 'tpm', result: null, refusal: 'The quote must…' },
  ],
  rules: [{ rule: 'deploy', met: true, conditions: [{ condition: 'ci', outcome: 'true', seen: [] }], label: 'x' }],
  chosen_rule: 'deploy',
}
const answers: Readonly<Record<string, unknown>> = {
  [`PUT ${BASE}/attestors/ci`]: { attestor },
  [`GET ${BASE}/attestors`]: { attestors: [attestor] },
  [`DELETE ${BASE}/attestors/ci`]: { deleted_results: 3 },
  [`POST ${BASE}/attestors/ci/join-tokens`]: { secret: 's', join_token: joinToken },
  [`GET ${BASE}/attestors/ci/join-tokens`]: { join_tokens: [joinToken] },
  [`PUT ${BASE}/enrolment-rules/deploy`]: { rule },
  [`GET ${BASE}/enrolment-rules`]: { rules: [rule] },
  [`PUT ${BASE}/attestation-requirements/fresh`]: { requirement },
  [`GET ${BASE}/attestation-requirements`]: { requirements: [requirement] },
  [`POST ${BASE}/rules:dry-run`]: dryRun,
  [`GET ${BASE}/agents/${encodeURIComponent(DID)}/attestation-results`]: { results: [result] },
  [`DELETE ${BASE}/agents/${encodeURIComponent(DID)}/attestation-results`]: { agent_did: DID, removed: 2 },
}

/** The calls of an operator, and the requests that its server has received. */
function opened(given = answers) {
  const sent: { readonly call: string; readonly body: unknown }[] = []
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init)
    const { pathname, search } = new URL(request.url)
    const body = await request.text()
    sent.push({ call: `${request.method} ${pathname}${search}`, body: body === '' ? undefined : JSON.parse(body) })
    return Response.json(given[`${request.method} ${pathname}`] ?? {})
  }
  const { attestation } = createOperator({ server: 'https://auth.example', operatorId: ID, key, fetch })
  return { attestation, sent }
}

const bytes = Buffer.from('token')
type Case = [string, (calls: OperatorAttestation) => Promise<unknown>, unknown, string, unknown]

describe('operator.attestation', () => {
  it.each<Case>([
    [
      'putAttestor',
      (calls) =>
        calls.putAttestor('ci', { type: 'github-actions', config: attestor.config, resultTtl: 600, keepResults: true }),
      attestor,
      `PUT ${BASE}/attestors/ci`,
      { type: 'github-actions', config: attestor.config, result_ttl: 600, keep_results: true },
    ],
    ['attestors', (calls) => calls.attestors(), [attestor], `GET ${BASE}/attestors`, undefined],
    ['deleteAttestor', (calls) => calls.deleteAttestor('ci'), 3, `DELETE ${BASE}/attestors/ci`, undefined],
    [
      'createJoinToken',
      (calls) => calls.createJoinToken('ci', { label: 'n1', ttl: 60 }),
      { secret: 's', token: joinToken },
      `POST ${BASE}/attestors/ci/join-tokens`,
      { label: 'n1', ttl: 60 },
    ],
    ['joinTokens', (calls) => calls.joinTokens('ci'), [joinToken], `GET ${BASE}/attestors/ci/join-tokens`, undefined],
    [
      'deleteJoinToken',
      (calls) => calls.deleteJoinToken('ci', TOKEN),
      undefined,
      `DELETE ${BASE}/attestors/ci/join-tokens/${TOKEN}`,
      undefined,
    ],
    ['putRule', (calls) => calls.putRule('deploy', rule), rule, `PUT ${BASE}/enrolment-rules/deploy`, { rule }],
    ['rules', (calls) => calls.rules(), [rule], `GET ${BASE}/enrolment-rules`, undefined],
    [
      'deleteRule',
      (calls) => calls.deleteRule('deploy'),
      undefined,
      `DELETE ${BASE}/enrolment-rules/deploy`,
      undefined,
    ],
    [
      'putRequirement',
      (calls) => calls.putRequirement('fresh', requirement),
      requirement,
      `PUT ${BASE}/attestation-requirements/fresh`,
      { requirement },
    ],
    ['requirements', (calls) => calls.requirements(), [requirement], `GET ${BASE}/attestation-requirements`, undefined],
    [
      'deleteRequirement',
      (calls) => calls.deleteRequirement('fresh'),
      undefined,
      `DELETE ${BASE}/attestation-requirements/fresh`,
      undefined,
    ],
    [
      'results',
      (calls) => calls.results(DID),
      [result],
      `GET ${BASE}/agents/${encodeURIComponent(DID)}/attestation-results`,
      undefined,
    ],
    [
      'removeResults',
      (calls) => calls.removeResults(DID, 'lost'),
      2,
      `DELETE ${BASE}/agents/${encodeURIComponent(DID)}/attestation-results?reason=lost`,
      undefined,
    ],
  ])('%s sends its call, and reads the answer', async (_, run, expected, call, body) => {
    const { attestation, sent } = opened()
    expect(await run(attestation)).toEqual(expected)
    expect(sent).toEqual([{ call, body }])
  })

  it('tryRules sends evidence without signatures, and tells about each evidence and rule', async () => {
    const { attestation, sent } = opened()
    const evidence = [{ attestor: 'ci', evidence: bytes }]
    const tried = await attestation.tryRules({ evidence, nonce: 'n', publicKey: new Uint8Array(32), rules: [rule] })
    expect(tried.evidence.map((each) => each.result?.level ?? each.refusal)).toEqual(['bound', 'The quote must…'])
    expect(tried).toMatchObject({ chosen_rule: 'deploy', refusal: '', rules: dryRun.rules })
    expect(sent[0]?.body).toEqual({
      agent_public_key: Buffer.alloc(32).toString('base64'),
      attestation: { nonce: 'n', evidence: [{ attestor: 'ci', evidence: bytes.toString('base64') }] },
      rules: [rule],
    })
  })

  it('rejects an answer without the members of a result', async () => {
    const { attestation } = opened({
      [`POST ${BASE}/rules:dry-run`]: { ...dryRun, evidence: [{ attestor: 'ci', result: {} }] },
    })
    expect(await clientReason(attestation.tryRules({ evidence: [] }))).toBe('UNEXPECTED_ANSWER')
  })

  it.each<[string, (calls: OperatorAttestation) => Promise<unknown>]>([
    ['a name of an attestor with a slash', (calls) => calls.deleteAttestor('ci/x')],
    ['a name of an attestor with a dash', (calls) => calls.putAttestor('my-ci', { type: 'oidc', config: {} })],
    ['a name of a rule in upper case', (calls) => calls.deleteRule('Deploy')],
    ['a name of a requirement that is empty', (calls) => calls.deleteRequirement('')],
    ['an id of a join token that is no UUID', (calls) => calls.deleteJoinToken('ci', '..')],
    ['a misspelt member of a rule', (calls) => calls.putRule('deploy', Object.assign({ whn: 'x' }, rule))],
    [
      'a misspelt member of a tried rule',
      (calls) => calls.tryRules({ evidence: [], rules: [Object.assign({ whn: 'x' }, rule)] }),
    ],
    [
      'a misspelt member of a requirement',
      (calls) => calls.putRequirement('x', Object.assign({ scope: [] }, requirement)),
    ],
    [
      'a misspelt member of an attestor',
      (calls) => calls.putAttestor('ci', Object.assign({ resultTTL: 6 }, { type: 'oidc', config: {} })),
    ],
  ])('rejects with TypeError for %s, and sends nothing', async (_, run) => {
    const { attestation, sent } = opened()
    await expect(run(attestation)).rejects.toThrow(TypeError)
    expect(sent).toEqual([])
  })
})
