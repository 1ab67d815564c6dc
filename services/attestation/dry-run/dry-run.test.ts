import { randomUUID } from 'node:crypto'
import { type KeyPair } from '@auth4agent/core/keys/ed25519'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { policyCalls } from '../../../test/support/attestation-policy.ts'
import { type Enrolments, enrolments, newKey, type SignedAttestation } from '../../../test/support/enrolment.ts'
import { everything, type IdentityFixture, identityFixture, type TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

let fixture: IdentityFixture
let acme: TestOperator
let calls: ReturnType<typeof policyCalls>
let agents: Enrolments
let key: KeyPair
beforeAll(async () => {
  fixture = await identityFixture()
})
afterAll(() => fixture.drop())
beforeEach(async () => {
  acme = await fixture.operator(`acme-${randomUUID()}.test`)
  calls = policyCalls(fixture, acme)
  agents = enrolments(fixture, acme, () => fixture.clock.now)
  await agents.insertAttestor('tokens')
  key = newKey()
})

const NO_KEY = 'agent_public_key must be the key of the agent'
const NO_NONCE = 'nonce must be one of CreateAttestationNonce for this key and the purpose enrol, which has not expired'
const NO_SIGNATURE = 'signature must be by the key of the agent, over the evidence and the nonce'

function draftOf(name: string, when: string) {
  return { name, allOf: ['tokens'], maxAgents: 1, when }
}

describe('dryRunRules', () => {
  it('tells what an agent would get, and hides claims whose names sound like secrets', async () => {
    await calls.putRule('deploy', {
      when: 'claims.tokens.label == "web"',
      label: 'agent {tokens.label}',
      scopes: ['a'],
    })
    const { evidence, ...rest } = await dryRun(await agents.attestation(key))
    const claims = { label: 'web', token_id: '…' }
    expect(evidence).toMatchObject([{ attestor: 'tokens', result: { level: 'bearer', claims }, missing: [] }])
    expect(rest).toEqual({
      rules: [
        {
          rule: 'deploy',
          met: true,
          conditions: [
            { condition: 'a result of tokens', outcome: 'true', seen: ['levels.tokens = "bearer"'] },
            { condition: 'claims.tokens.label == "web"', outcome: 'true', seen: ['claims.tokens.label = "web"'] },
          ],
          label: 'agent web',
          scopes: ['a'],
        },
      ],
      chosenRule: 'deploy',
      refusal: '',
    })
  })

  it('changes nothing and uses nothing up, so the same evidence enrols an agent later', async () => {
    await calls.putRule('deploy')
    const attestation = await agents.attestation(key)
    const before = await tables()
    expect(await dryRun(attestation)).toMatchObject({ chosenRule: 'deploy' })
    expect(await dryRun(attestation)).toMatchObject({ chosenRule: 'deploy' })
    expect(await tables()).toEqual(before)
    expect(await agents.enrol(attestation, key)).toMatchObject({ status: 'active', rule: 'deploy' })
  })

  it('tells what a request without key, nonce and signature still lacks', async () => {
    await calls.putRule('deploy')
    const {
      evidence: [sent],
    } = await agents.attestation(key)
    const evidence = [{ attestor: 'tokens', evidence: sent?.evidence ?? new Uint8Array() }]
    const answer = await calls.dryRun({ attestation: { evidence } })
    expect(answer).toMatchObject({ chosenRule: 'deploy', evidence: [{ missing: [NO_KEY, NO_NONCE, NO_SIGNATURE] }] })
  })

  it.each<[string, (good: SignedAttestation) => Promise<SignedAttestation> | SignedAttestation, readonly string[]]>([
    [
      'a nonce for another purpose',
      async () => agents.attestation(key, { nonce: await agents.nonce(key, 'attest') }),
      [NO_NONCE],
    ],
    [
      'a nonce for another key',
      async () => agents.attestation(key, { nonce: await agents.nonce(newKey()) }),
      [NO_NONCE],
    ],
    [
      'a signature by another key',
      async () => agents.attestation(newKey(), { nonce: await agents.nonce(key) }),
      [NO_SIGNATURE],
    ],
    ['a signature over another nonce', async (good) => ({ ...good, nonce: await agents.nonce(key) }), [NO_SIGNATURE]],
  ])('tells of %s', async (_name, change, missing) => {
    await calls.putRule('deploy')
    const answer = await dryRun(await change(await agents.attestation(key)))
    expect(answer).toMatchObject({ chosenRule: 'deploy', evidence: [{ missing }] })
  })

  it('tells of a nonce that has expired', async () => {
    const attestation = await agents.attestation(key)
    fixture.clock.now += 300_000
    expect(await dryRun(attestation)).toMatchObject({ evidence: [{ missing: [NO_NONCE] }] })
  })

  it('tells of a nonce that was used', async () => {
    await calls.putRule('deploy', { maxAgents: 2 })
    const attestation = await agents.attestation(key)
    await agents.enrol(attestation, key)
    const again = await agents.attestation(key, { nonce: attestation.nonce })
    const missing = ['nonce and evidence must not have been used before']
    expect(await dryRun(again)).toMatchObject({ evidence: [{ missing }] })
  })

  it('tells why evidence is refused, and that it refuses the agent', async () => {
    await calls.putRule('deploy')
    const attestation = await agents.attestation(key)
    await agents.enrol(attestation, key)
    const refusal = expect.stringContaining('tokens: The join token must be one of this attestor')
    const rules = [{ met: false, conditions: [{ outcome: 'false' }] }]
    const answer = await dryRun(attestation)
    expect(answer).toMatchObject({ evidence: [{ refusal }], rules, chosenRule: '', refusal })
    expect(answer.evidence?.[0]?.result).toBeUndefined()
  })

  it('tells of an attestor that the operator does not have', async () => {
    const evidence = [{ attestor: 'tokns', evidence: new Uint8Array([1]) }]
    expect(await calls.dryRun({ attestation: { evidence } })).toMatchObject({
      refusal: 'The operator has no attestor "tokns"',
    })
  })

  it.each<[string, () => Promise<unknown>, string]>([
    ['no rule', async () => undefined, 'The operator has no enrolment rule'],
    ['a rule that is not met', () => calls.putRule('deploy', { when: 'false' }), 'The condition does not hold'],
    [
      'two rules that are met',
      async () => [await calls.putRule('a'), await calls.putRule('b')],
      'The verified claims meet several enrolment rules, so name one of a, b',
    ],
    [
      'a label without its claim',
      () => calls.putRule('deploy', { label: '{tokens.missing}' }),
      'The label of the rule needs the claim tokens.missing',
    ],
    [
      'a requirement that is not met',
      async () => [await calls.putRule('deploy'), await calls.putRequirement('machine', { level: 'hardware' })],
      'The requirement machine: The result of the attestor tokens has the level bearer',
    ],
    [
      'a rule with as many agents as it may have',
      async () => [await calls.putRule('deploy'), await agents.enrol(await agents.attestation(key), key)],
      'The enrolment rule deploy must have at most 1 agents',
    ],
  ])('tells that an agent would be refused by %s', async (_name, prepare, refusal) => {
    await prepare()
    const answer = await dryRun(await agents.attestation(key))
    expect(answer).toMatchObject({ chosenRule: '', refusal: expect.stringContaining(refusal) })
  })

  it('chooses the rule that the attestation names', async () => {
    for (const name of ['a', 'b']) await calls.putRule(name)
    expect(await dryRun(await agents.attestation(key, { rule: 'b' }))).toMatchObject({ chosenRule: 'b' })
  })

  it('counts every rule as not met after one whose condition is too much work', async () => {
    const numbers = Array.from({ length: 200 }, () => 1).join(',')
    const terms = Array.from({ length: 70 }, () => 'x == 2').join(' || ')
    const rules = [
      draftOf('heavy', `[${numbers}].exists(x, ${terms})`),
      draftOf('light', 'claims.tokens.label == "web"'),
    ]
    const attestation = await agents.attestation(key)
    expect((await calls.dryRun({ attestation, rules: rules.slice(1) })).chosenRule).toBe('light')
    const { rules: tried = [], chosenRule } = await calls.dryRun({ attestation, rules })
    expect(chosenRule).toBe('')
    expect(tried.map(({ conditions }) => conditions?.at(-1)?.outcome)).toEqual(['error', 'error'])
  })

  it('refuses drafts whose conditions are too long together', async () => {
    const when = `claims.tokens.label == "${'a'.repeat(4096 - 25)}"`
    const rules = ['a', 'b', 'c', 'd'].map((name) => draftOf(name, when))
    const attestation = await agents.attestation(key)
    expect(await refusalOf(calls.dryRun({ attestation, rules }))).toBeUndefined()
    const more = draftOf('e', 'true')
    expect(await refusalOf(calls.dryRun({ attestation, rules: [...rules, more] }))).toBe('INVALID_RULE')
  })

  it('tries the rules of the request instead of those in force', async () => {
    await calls.putRule('deploy')
    const draft = { name: 'draft', anyOf: ['tokens'], maxAgents: 1, scopes: ['b'] }
    const answer = await dryRun(await agents.attestation(key), [draft])
    expect(answer).toMatchObject({ rules: [{ rule: 'draft', met: true, scopes: ['b'] }], chosenRule: 'draft' })
    expect((await calls.listRules()).rules).toHaveLength(1)
  })

  it.each([
    ['a malformed rule', [{ name: 'draft', anyOf: ['tokens'] }]],
    ['a rule without a name', [{ anyOf: ['tokens'], maxAgents: 1 }]],
    ['a rule about an unknown attestor', [{ name: 'draft', anyOf: ['tpm'], maxAgents: 1 }]],
    ['two rules of one name', [1, 2].map((maxAgents) => ({ name: 'draft', anyOf: ['tokens'], maxAgents }))],
    ['65 rules', Array.from({ length: 65 }, (_, at) => ({ name: `r${at}`, anyOf: ['tokens'], maxAgents: 1 }))],
  ])('refuses %s', async (_name, rules) => {
    expect(await refusalOf(dryRun(await agents.attestation(key), rules))).toBe('INVALID_RULE')
  })

  it.each([
    ['no attestation', {}, 'INVALID_ARGUMENT'],
    ['no evidence', { attestation: {} }, 'INVALID_ARGUMENT'],
    ['an attestor twice', { attestation: { evidence: [{ attestor: 'a' }, { attestor: 'a' }] } }, 'INVALID_ARGUMENT'],
    [
      'a malformed key',
      { agentPublicKey: new Uint8Array(31), attestation: { evidence: [{ attestor: 'a' }] } },
      'INVALID_PUBLIC_KEY',
    ],
  ])('refuses %s', async (_name, request, reason) => {
    expect(await refusalOf(calls.dryRun(request))).toBe(reason)
  })
})

function dryRun(attestation: SignedAttestation, rules: Parameters<typeof calls.dryRun>[0]['rules'] = []) {
  return calls.dryRun({ agentPublicKey: Uint8Array.from(key.publicKey), attestation, rules })
}

async function tables() {
  const { prisma } = fixture.db
  return {
    ...(await everything(fixture.db)),
    uses: await prisma.attestationUse.findMany({ orderBy: { id: 'asc' } }),
    tokens: await prisma.joinToken.findMany({ orderBy: { id: 'asc' } }),
    results: await prisma.attestationResult.count(),
  }
}
