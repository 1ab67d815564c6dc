import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createOperator, generateP256KeyPair, signerFromP256KeyPair, signKeyRequest } from '@auth4agent/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { newAgentParty } from '../../support/parties.ts'
import type { Json } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, issueToken, provenOperator } from '../../support/story.ts'
import { newPerson, type Person } from './person.ts'

const DOMAIN = 'team.example.com'
const NAME = `_auth4agents.${DOMAIN}`

let deployment: Deployment
let alice: Person
let bob: Person
let carol: Person
let server: string
let operatorId: string
/** A key of a pipeline that only its key store has. */
const pipeline = await signerFromP256KeyPair(await generateP256KeyPair())
const agents = [newAgentParty(DOMAIN), newAgentParty(DOMAIN), newAgentParty(DOMAIN)] as const

beforeAll(async () => {
  ;[deployment, alice, bob, carol] = await Promise.all([startDeployment(), newPerson(), newPerson(), newPerson()])
  server = `--server ${deployment.server.baseUrl} --issuer ${ISSUER}`
})
afterAll(() =>
  Promise.all([
    deployment?.stop(),
    alice?.[Symbol.asyncDispose](),
    bob?.[Symbol.asyncDispose](),
    carol?.[Symbol.asyncDispose](),
  ]),
)

const joining = () => `--operator-id ${operatorId} --domain ${DOMAIN} ${server}`
const kidOf = async (person: Person, label: string) => {
  const { root_keys, keys } = await person.json('operator-key list')
  return String([...(root_keys as Json[]), ...(keys as Json[])].find((key) => key.label === label)?.kid)
}
const pipelineOperator = () =>
  createOperator({ server: deployment.server.baseUrl, issuer: ISSUER, operatorId, key: pipeline })

describe('a team of two people and a pipeline', () => {
  it('1. alice proves the domain, and the policy then demands the digest of every body', async () => {
    await alice.json(`init --operator --domain ${DOMAIN} ${server}`)
    operatorId = String((await alice.json('operator register')).id)
    const { txt_record_name, txt_record_value } = await alice.json('operator show-proof')
    expect(txt_record_name).toBe(NAME)
    deployment.dns.setTxt(NAME, [String(txt_record_value)])
    const { code, stderr } = await alice.run('operator confirm')
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('require_body_digest') })
    expect(await alice.json('policy show')).toMatchObject({ require_body_digest: true })
  })

  it('2. bob asks for a key in a context of his own, and alice adds it after comparing its thumbprint', async () => {
    const wanted = '--label bob --role agents.manage,agents.revoke,audit.read'
    const { kid } = await bob.json(`operator-key request --context team ${wanted} ${joining()} --output ~/bob.request`)
    await bob.json('context use team')
    const { key } = await bob.json('whoami')
    expect(key).toMatchObject({ label: 'bob', accepted: false })
    const request = await bob.read('bob.request')
    const wrong = await alice.run(`operator-key add --request - --kid ${randomUUID()}`, request)
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining(String(kid)) })
    const added = await alice.json(`operator-key add --request - --kid=${String(kid)}`, request)
    expect(added).toMatchObject({ seq: 1, threshold: 1, keys: [{ kid, label: 'bob' }] })
    expect(await bob.json('whoami')).toMatchObject({
      key: { label: 'bob', accepted: true, root: false, roles: ['agents.manage', 'agents.revoke', 'audit.read'] },
      frozen: false,
      domain_verified_at: expect.stringMatching(/^20/),
    })
    expect((await bob.run('whoami')).stdout).toContain('Verified: 20')
    expect((await bob.run('whoami --offline')).stdout).not.toContain('Verified')
  })

  it('3. a pipeline gets a P-256 key of its key store, and registers agents with the SDK', async () => {
    const wanted = { operatorId, issuer: ISSUER, label: 'pipeline', roles: ['agents.register'] } as const
    await alice.json('operator-key add --request - --expires 7d', await signKeyRequest(pipeline, wanted))
    for (const { rawPublicKey: publicKey } of agents) {
      expect(await pipelineOperator().agents.register({ publicKey })).toMatchObject({ status: 'active' })
    }
    await expect(pipelineOperator().agents.suspend(agents[0].did)).rejects.toMatchObject({ reason: 'ROLE_REQUIRED' })
  })

  it('4. bob manages agents, but may not register them, set the policy or change keys', async () => {
    expect(await bob.json(`scope set ${agents[0].did} --scope read`)).toMatchObject({ updated: true })
    await issueToken(deployment.client, agents[0])
    const refused = await bob.run('policy set --hide-allowed-scopes on')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('ROLE_REQUIRED') })
    expect(refused.stderr).toContain('--as LABEL')
    expect(await bob.run('operator-key remove pipeline')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('needs a root key'),
    })
  })

  it('5. --as and AUTH4AGENT_AS choose between the keys of a folder', async () => {
    await alice.json('operator-key request --label auditor --role audit.read --output ~/auditor.request')
    await alice.json('operator-key add --request ~/auditor.request')
    expect(await alice.run('agent list --quiet --as auditor')).toMatchObject({ code: 0 })
    expect(await alice.run(`agent suspend ${agents[2].did} --as auditor`)).toMatchObject({ code: 1 })
    expect(await alice.run(`agent suspend ${agents[2].did} --as root`)).toMatchObject({ code: 0 })
    expect(await alice.json('whoami --as auditor')).toMatchObject({ key: { label: 'auditor', roles: ['audit.read'] } })
    expect(await alice.run('agent list --as audito')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('Did you mean auditor?'),
    })
    expect(await alice.run('operator-key set-threshold 1 --as auditor')).toMatchObject({ code: 2 })
  })

  it('6. whoami, doctor and the list warn of a key that expires within 14 days', async () => {
    const { stderr } = await alice.run('operator-key list')
    expect(stderr).toMatch(/The key pipeline expires in [67] days, at .*\n.*operator-key update/)
    await alice.json('operator-key update auditor --expires 3d')
    expect((await alice.run('whoami --as auditor')).stderr).toContain('The key auditor expires in 2 days')
    const { findings } = JSON.parse((await alice.run('doctor --json --timeout 20')).stdout) as { findings: Json[] }
    expect(findings.find(({ check }) => check === 'key auditor')).toMatchObject({ level: 'warning' })
    expect(findings.find(({ check }) => check === 'key root')).toMatchObject({ level: 'ok' })
  })

  it('7. the audit names key and label, and shows and verifies the signed request', async () => {
    const records = await alice.json<Json[]>(`audit list --agent ${agents[0].did} --action agent.set-scopes`)
    expect(records).toMatchObject([{ key_label: 'bob', kid: await kidOf(alice, 'bob') }])
    const shown = await bob.json(`audit show ${String(records[0]?.id)}`)
    expect(shown).toMatchObject({
      verified: true,
      signatures: [{ label: 'bob', valid: true, kind: 'assertion', covers_body: true }],
    })
    const { stdout } = await alice.run(`audit show ${String(records[0]?.id)}`)
    expect(stdout).toContain(`"did":"${agents[0].did}"`)
    expect(stdout).toMatch(
      /signature: valid, assertion\nby: bob\n.*\nkey from: manifest \d\ntrusted: yes\nvalid from: \d/,
    )
  })

  it('8. alice removes bob, who is refused at once, while tokens stay valid', async () => {
    const { token } = await issueToken(deployment.client, agents[0])
    await alice.json('operator-key remove bob')
    expect(await bob.run('agent list')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/INVALID_ASSERTION[\s\S]*it was removed or has expired/),
    })
    expect(await bob.json('whoami')).toMatchObject({ key: { label: 'bob', accepted: false } })
    expect(expectStatus(200, await deployment.client.verify(token))).toMatchObject({ valid: true })
  })

  it('9. the evidence of the removed key still verifies, with an earlier manifest of the audit', async () => {
    const records = await alice.json<Json[]>('audit list --action agent.set-scopes')
    expect(await alice.json(`audit show ${String(records[0]?.id)}`)).toMatchObject({
      verified: true,
      signatures: [{ label: 'bob', valid: true, trusted: true, key_from: expect.stringMatching(/^manifest \d+$/) }],
    })
  })
})

describe('a threshold of 2 of 3 root keys', () => {
  it('1. bob and carol become holders of root keys, and then one root key alone is refused', async () => {
    for (const [person, label] of [
      [bob, 'bob-root'],
      [carol, 'carol'],
    ] as const) {
      const context = person === carol ? ` ${joining()}` : ''
      const { request } = await person.json(`operator-key request --label ${label} --root${context}`)
      await alice.json('operator-key add --request -', String(request))
    }
    expect(await alice.json('operator-key set-threshold 2')).toMatchObject({ threshold: 2 })
    expect(await alice.run('operator-key remove auditor')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--prepare FILE'),
    })
  })

  it('2. a prepared request is sent with the approval of a second root key, once', async () => {
    await alice.json('operator-key remove auditor --prepare ~/remove.json')
    const alone = await alice.run('request send ~/remove.json')
    expect(alone).toMatchObject({ code: 1, stderr: expect.stringContaining('APPROVALS_REQUIRED') })
    await writeFile(carol.file('remove.json'), await alice.read('remove.json'))
    // Carol has not seen a manifest yet, so she compares the thumbprint of the root key that signed it with alice.
    expect(await carol.run('request approve ~/remove.json --inspect')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('UNTRUSTED_MANIFEST'),
    })
    const trust = `--trust=${await kidOf(alice, 'root')}`
    const { stdout } = await carol.run(`request approve ~/remove.json --inspect ${trust}`)
    expect(stdout).toMatch(/^the request changes:\n- key auditor, audit\.read, until .*\n$/)
    await carol.json('request approve ~/remove.json --output ~/carol.approval')
    await writeFile(alice.file('carol.approval'), await carol.read('carol.approval'))
    await alice.json('request send ~/remove.json --approval ~/carol.approval')
    const { keys } = await alice.json('operator-key list')
    expect((keys as Json[]).map(({ label }) => label)).toEqual(['pipeline'])
    expect(await alice.run('request send ~/remove.json --approval ~/carol.approval')).toMatchObject({ code: 1 })
    expect(await carol.run('request approve ~/remove.json')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('but the manifest in force is'),
    })
  })

  it('3. the audit proves that two root keys agreed', async () => {
    const [record] = await alice.json<Json[]>('audit list --action operator.set-keys --outcome done')
    const { verified, signatures } = await alice.json(`audit show ${String(record?.id)}`)
    expect({ verified, signatures }).toMatchObject({
      verified: true,
      signatures: [
        { kind: 'assertion', valid: true },
        { kind: 'approval', valid: true, label: 'carol' },
      ],
    })
  })
})

describe('a new root key', () => {
  it('1. is added beside the old one, and the server refuses to drop the old one while DNS names it', async () => {
    await approved('operator-key rotate-root', '~/begin.json')
    const { txt_record_value, kid } = await alice.json('operator-key rotate-root')
    expect(txt_record_value).toContain(`rk=${String(kid)}`)
    await alice.json('operator-key rotate-root --finish --prepare ~/early.json')
    const early = await approve('early.json', alice)
    expect(await alice.run(`request send ~/early.json --approval ${early}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ROOT_RECORD_MISMATCH'),
    })
    deployment.dns.setTxt(NAME, [String(txt_record_value)])
  })

  it('2. replaces the old one after DNS names it, and nothing was frozen and no token ended', async () => {
    const { token } = await issueToken(deployment.client, agents[0])
    await approved('operator-key rotate-root --finish', '~/finish.json')
    expect(await alice.json('operator-key list')).toMatchObject({ threshold: 2 })
    expect((await deployment.client.getOperator(operatorId)).body).not.toHaveProperty('frozen_at')
    expect(expectStatus(200, await deployment.client.verify(token))).toMatchObject({ valid: true })
    const instructions = await alice.json('operator show-proof')
    expect(JSON.parse(await alice.read('.auth4agents/operator.json'))).toMatchObject({
      first_root_key: expect.any(String),
    })
    expect(instructions.txt_record_value).toContain(operatorId)
  })

  it('3. lets alice and carol change keys again, and both trust the retired root key in the audit', async () => {
    await alice.json('operator-key request --label clerk --role audit.read --output ~/clerk.request')
    await approved('operator-key add --request ~/clerk.request', '~/clerk.json')
    await carol.json('operator-key update clerk --expires 3d --prepare ~/update.json')
    await carol.json('operator-key remove clerk --prepare ~/carol-remove.json')
    await approved('operator-key remove clerk', '~/clerk-remove.json')
    const records = await alice.json<Json[]>('audit list --action operator.set-keys --outcome done')
    const ofOldRoot = records.at(-1)?.id
    for (const person of [alice, carol])
      expect(await person.json(`audit show ${String(ofOldRoot)}`)).toMatchObject({
        verified: true,
        signatures: [{ kid: records.at(-1)?.kid, label: 'root', trusted: true }],
      })
  })

  it('4. a record with a foreign key freezes the operator, and says so, until it is right again', async () => {
    const { txt_record_value: right } = await alice.json('operator show-proof')
    deployment.dns.setTxt(NAME, [String(right).replace(/rk=.*/, `rk=${'x'.repeat(43)}`)])
    expect((await alice.run('operator confirm')).code).toBe(1)
    const { stdout, stderr } = await alice.run('whoami')
    expect(stdout).toContain('Frozen: since')
    expect(stderr).toContain('The operator is frozen')
    expect(await alice.run(`agent suspend ${agents[1].did}`)).toMatchObject({ code: 0 })
    expect(await alice.run(`agent reactivate ${agents[1].did}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('OPERATOR_FROZEN'),
    })
    const { findings } = JSON.parse((await alice.run('doctor --json --timeout 20')).stdout) as { findings: Json[] }
    expect(findings.find(({ check }) => check === 'operator')).toMatchObject({
      level: 'problem',
      message: expect.stringContaining('is frozen since'),
    })
    await issueToken(deployment.client, agents[0])
    deployment.dns.setTxt(NAME, [String(right)])
    await alice.json('operator confirm')
    expect(await alice.run(`agent reactivate ${agents[1].did}`)).toMatchObject({ code: 0 })
  })
})

describe('an operator with one root key', () => {
  it('adds and removes keys after a change of the root key', async () => {
    await using dora = await newPerson()
    await dora.json(`init --operator --domain dora.example.com ${server}`)
    await dora.json('operator register')
    publish(await dora.json('operator show-proof'))
    await dora.json('operator confirm')
    publish(await dora.json('operator-key rotate-root'))
    await dora.json('operator-key rotate-root --finish')
    await dora.json('operator-key request --label clerk --role audit.read --output ~/clerk.request')
    expect(await dora.json('operator-key add --request ~/clerk.request')).toMatchObject({ seq: 3 })
    expect(await dora.json('operator-key remove clerk')).toMatchObject({ seq: 4, keys: [] })
  })
})

describe('one person with two operators', () => {
  it('works for each in its own context', async () => {
    const other = await provenOperator(deployment.client, deployment.dns, 'other.example.com')
    await activeAgent(deployment.client, other)
    const wanted = `--label bob --role audit.read --operator-id ${other.id} --domain other.example.com ${server}`
    await bob.json(`operator-key request --context other ${wanted}`)
    expect(await bob.json('context list')).toMatchObject([
      { name: 'default' },
      { name: 'other', domain: 'other.example.com' },
      { name: 'team', domain: DOMAIN, current: true },
    ])
    expect(await bob.json('whoami --context other')).toMatchObject({ domain: 'other.example.com' })
    expect(await bob.json('whoami')).toMatchObject({ domain: DOMAIN })
  })
})

/** Publishes the TXT record of an answer. */
function publish({ txt_record_name: name, txt_record_value: value }: Json): void {
  deployment.dns.setTxt(String(name), [String(value)])
}

/** Lets carol approve a request of alice. Returns the path of the approval in the home of alice. */
async function approve(name: string, by: Person): Promise<string> {
  await writeFile(carol.file(name), await by.read(name))
  const { approval } = await carol.json(`request approve ~/${name}`)
  const path = by.file(`${name}.approval`)
  await writeFile(path, String(approval))
  return path
}

/** Prepares a request as alice, lets carol approve it, and sends it. */
async function approved(line: string, file: string): Promise<void> {
  await alice.json(`${line} --prepare ${file}`)
  await alice.json(`request send ${file} --approval ${await approve(file.slice(2), alice)}`)
}
