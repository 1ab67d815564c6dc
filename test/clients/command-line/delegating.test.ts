import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliResult, runCli } from '../../support/cli.ts'
import { type ConfigFolder, createConfigFolder } from '../../support/config-folder.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { freePort } from '../../support/free-port.ts'
import type { AgentParty } from '../../support/parties.ts'
import { activeAgent, expectStatus, type KeyedOperator, provenOperator } from '../../support/story.ts'

const AUDIENCE = 'https://api.owner.example.com/v1'
const CAPABILITY = `${AUDIENCE}#pay`

let deployment: Deployment
let issuer: string
let owner: KeyedOperator
let partner: KeyedOperator
let employed: KeyedOperator
let holder: AgentParty
let folders: readonly ConfigFolder[]
let chain: string

beforeAll(async () => {
  const port = String(await freePort())
  issuer = `http://127.0.0.1:${port}`
  deployment = await startDeployment({ env: { PORT: port, AUTH4AGENT_BASE_URL: issuer } })
  const { client, dns } = deployment
  owner = await provenOperator(client, dns, 'owner.example.com', issuer)
  partner = await provenOperator(client, dns, 'partner.example.com', issuer)
  employed = await provenOperator(client, dns, 'employed.example.com', issuer)
  await setPolicy(partner, { audiences: [], delegate_to: [employed.domain] })
  const first = await activeAgent(client, partner, ['pay'])
  const path = `/v1/operators/${partner.id}/agents/${first.did}`
  expectStatus(200, await client.signed('PATCH', path, { max_delegation_depth: 2 }, partner))
  holder = await activeAgent(client, employed, ['pay'])
  folders = await Promise.all([createConfigFolder(), createConfigFolder()])
  await folders[0]?.agent({ operatorId: partner.id, server: issuer }, first)
  await folders[1]?.agent({ operatorId: employed.id, server: issuer }, holder)
  chain = join(folders[1]?.path ?? '', 'chain.txt')
})
afterAll(() => Promise.all([deployment?.stop(), ...(folders ?? []).map((folder) => folder.remove())]))

const setPolicy = async (operator: KeyedOperator, policy: object) =>
  expectStatus(200, await deployment.client.signed('PUT', `/v1/operators/${operator.id}/policy`, policy, operator))
const letCall = (...callers: readonly string[]) => setPolicy(owner, { audiences: [{ audience: AUDIENCE, callers }] })

/** Runs the tool as the first agent of the chain, or as its last holder. */
const run = (who: 0 | 1, ...args: readonly string[]): Promise<CliResult> =>
  runCli([...args, '--config', folders[who]?.path ?? ''], { fetch: globalThis.fetch })

const explain = () => run(1, 'grant', 'explain', chain, '--capability', CAPABILITY, '--json')
const tokenFile = () => `${chain}.token`
const exchange = () => run(1, 'grant', 'exchange', chain, '--aud', AUDIENCE, '--output', tokenFile())
/** Asks VerifyToken about a call with the chain or token of a file. */
const verify = async (file: string, proof: object) => {
  const token = (await readFile(file, 'utf8')).trim()
  const demands = { token, delegation: 'accept', audience: AUDIENCE, scope: 'pay', ...proof }
  const { valid, reason } = expectStatus(200, await deployment.client.post('/v1/verify', demands))
  return { valid, reason }
}
const CHECKED = { proof_checked: true }

describe('a chain whose last holder is an agent of another operator', () => {
  it('is refused by grant explain, exchange and VerifyToken while the owner does not list this operator', async () => {
    await letCall(partner.domain)
    const made = await run(0, 'delegate', holder.did, '--capability', CAPABILITY, '--expires', '10m', '--output', chain)
    expect(made).toMatchObject({ code: 0 })
    const { code, stdout } = await explain()
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({
      code: 1,
      accepted: false,
      reason: 'ACTOR_NOT_TRUSTED',
      hop: 1,
      compared: { grant: `a holder of the domain ${employed.domain}` },
    })
    expect(await verify(chain, CHECKED)).toEqual({ valid: false, reason: 'ACTOR_NOT_TRUSTED' })
    expect(await exchange()).toMatchObject({ code: 1, stderr: expect.stringContaining('AUDIENCE_NOT_ALLOWED') })
  })

  it('is accepted by all three when the owner lists it, and dpop-proof makes a proof for the new token', async () => {
    await letCall(partner.domain, employed.domain)
    const { code, stdout } = await explain()
    expect({ code, ...JSON.parse(stdout) }).toEqual({ code: 0, accepted: true })
    expect(await verify(chain, CHECKED)).toEqual({ valid: true, reason: '' })
    const exchanged = await exchange()
    expect(exchanged).toMatchObject({ code: 0 })
    expect(exchanged.stderr).toContain(`--token @${tokenFile()} --config ${folders[1]?.path}`)
    const request = ['--method', 'GET', '--url', `${AUDIENCE}/pay`]
    const proof = (await run(1, 'dpop-proof', ...request, '--token', `@${tokenFile()}`, '--quiet')).stdout.trim()
    const sent = { dpop_proof: proof, http_method: 'GET', http_url: `${AUDIENCE}/pay` }
    expect(await verify(tokenFile(), sent)).toEqual({ valid: true, reason: '' })
  })
})
