import { sign } from 'node:crypto'
import { join } from 'node:path'
import { createOperator } from '@auth4agent/sdk'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { newKeys, operatorAsserter } from '../../support/parties.ts'
import { activeAgent, expectStatus, issueToken } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { installCryptography, startPython } from './python.ts'

const ANSWER = join(import.meta.dirname, 'answer.py')
const AUDIENCE = 'https://api.python.example.com'

let deployment: Deployment
beforeAll(async () => {
  await installCryptography()
  deployment = await startDeployment()
})
afterAll(() => deployment?.stop())

describe('the Python example at a server', () => {
  it('goes from a new operator to a token, and to its refusal after the suspension', async () => {
    const domain = 'demo.python.example.com'
    const demo = startPython('demo.py', deployment.server.baseUrl, domain, ISSUER)
    onTestFinished(() => demo.end())
    const [, name = '', record = ''] = /^Publish at (\S+): (.*)$/.exec(await demo.line()) ?? []
    deployment.dns.setTxt(name, [record])
    demo.write('')
    const { code, output } = await demo.ended
    expect(output.split('\n').slice(1)).toEqual([
      'confirmed: True',
      'registered: pending',
      "scopes: ['orders:read', 'orders:write']",
      'verified: orders:read',
      'refused: AGENT_TOKENS_ENDED',
      '',
    ])
    expect(code).toBe(0)
  })

  it('prints the usage of the demo without arguments', async () => {
    const { code, output } = await startPython('demo.py').ended
    expect(output).toContain('\nUsage: python3 demo.py <server> <domain> [issuer]\n')
    expect(code).toBe(1)
  })

  it("stops the demo with the server's message if the domain is not confirmed or belongs to another operator", async () => {
    const { server, dns, client } = deployment
    const domain = 'taken.python.example.com'
    const owner = expectStatus(201, await client.registerOperator(domain, newKeys()))
    const run = async () => {
      const demo = startPython('demo.py', server.baseUrl, domain, ISSUER)
      onTestFinished(() => demo.end())
      await demo.line()
      demo.write('')
      const { code, output } = await demo.ended
      const [, outcome = '', ...more] = output.split('\n')
      return [code, outcome, more]
    }
    expect(await run()).toEqual([1, expect.stringContaining('not confirmed: '), ['']])
    const record = expectStatus(200, await client.instructions(String(owner.id)))
    dns.setTxt(String(record.txt_record_name), [String(record.txt_record_value)])
    expectStatus(200, await client.confirm(String(owner.id)))
    expect(await run()).toEqual([1, expect.stringContaining("Found the record of the domain's owner"), ['']])
  })

  it('refuses a revoked token, answers stale while the server is silent, and resumes from its position', async () => {
    const { client, dns, server } = deployment
    const domain = 'verifier.python.example.com'
    const keys = newKeys()
    const { id } = expectStatus(201, await client.registerOperator(domain, keys))
    const { txt_record_name, txt_record_value } = expectStatus(200, await client.instructions(String(id)))
    dns.setTxt(String(txt_record_name), [String(txt_record_value)])
    expectStatus(200, await client.confirm(String(id)))
    const operator = { id: String(id), domain, ...operatorAsserter(keys, String(id), ISSUER) }
    const agent = await activeAgent(client, operator)
    const newToken = async () => String((await issueToken(client, agent, { audience: AUDIENCE })).token)
    const [first, second] = [await newToken(), await newToken()]

    const seed = Buffer.from(keys.privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
    const given = { server: server.baseUrl, issuer: ISSUER, domain, audience: [AUDIENCE] }
    const api = startPython(ANSWER, JSON.stringify({ ...given, seed_hex: seed.toString('hex'), max_staleness: 3 }))
    onTestFinished(() => api.end())
    expect(await api.line()).toBe(`${operator.id} True`)
    const { publicKey, privateKey } = keys
    const key = { publicKey, sign: async (message: Uint8Array) => sign(null, message, privateKey) }
    const sdk = createOperator({ server: server.baseUrl, issuer: ISSUER, operatorId: operator.id, key })
    expect((await sdk.keys.get()).keys).toMatchObject([{ label: 'api', roles: ['watch'] }])
    const answerTo = async (token: string) => {
      api.write(token)
      const [verdict = '', position = '', beginnings = ''] = (await api.line()).split(' ')
      return { verdict, position, beginnings }
    }
    const becomes = (token: string, verdict: string) =>
      until(
        () => answerTo(token),
        (now) => now.verdict === verdict,
      )

    expect((await answerTo(first)).verdict).toBe('VALID')
    expect((await answerTo(`${first}A`)).verdict).toBe('SIGNATURE_INVALID')
    expectStatus(200, await client.revokeToken(first))
    const { position } = await becomes(first, 'TOKEN_REVOKED')

    server.freeze()
    const stale = await becomes(second, 'REVOCATIONS_STALE').finally(() => server.thaw())
    expect(stale.position).toBe(position)
    await becomes(second, 'VALID')

    await server.stop()
    await becomes(second, 'REVOCATIONS_STALE')
    await server.restart()
    await becomes(second, 'VALID')
    expect((await answerTo(first)).verdict).toBe('TOKEN_REVOKED')
    expectStatus(200, await client.revokeToken(second))
    expect(await becomes(second, 'TOKEN_REVOKED')).toMatchObject({ beginnings: '0' })
  })
})
