import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { checkDpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { createP256KeyFile } from '@auth4agent/sdk/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AgentHome, createAgentHome } from '../../../../test/support/sdk/agent-home.ts'
import { until } from '../../../../test/support/until.ts'

const API = 'https://api.example.com'
const ASKED = ['--scope', 'orders:read', '--aud', API]

let home: AgentHome

beforeEach(async () => {
  home = await createAgentHome()
})
afterEach(() => home[Symbol.asyncDispose]())

describe('agent proxy', () => {
  it('sends requests with a bound token and a proof, and ends with 0 on Ctrl-C', async () => {
    const seen: IncomingHttpHeaders[] = []
    const server = createServer(({ headers }, response) => {
      seen.push(headers)
      response.end('done')
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const stop = new AbortController()
    const file = home.path('address')
    const args = ['agent', 'proxy', '--api', `${api}/`, ...ASKED, '--dpop', '--prefix-file', file]
    const running = home.tool(args, { signal: stop.signal })
    const address = await until(
      () => readFile(file, 'utf8').catch(() => ''),
      (text) => text !== '',
    )
    expect(await (await fetch(`${address.trim()}/orders`)).text()).toBe('done')
    stop.abort('interrupted')
    const { code, stdout, stderr } = await running
    server.close()
    expect({ code, stdout }).toEqual({ code: 0, stdout: address })
    expect(stderr).toContain('GET /orders 200\n')
    const [{ authorization = '', dpop = '' } = {}] = seen
    const token = authorization.replace(/^DPoP /, '')
    const rules = { method: 'GET', url: `${api}/orders`, nowS: Date.now() / 1000, skewS: 0, accessToken: token }
    const proof = checkDpopProof(String(dpop), rules)
    expect(proof).toMatchObject({ ok: true })
    expect(home.issuer.proofs('/v1/token')).toMatchObject([{ jkt: 'jkt' in proof ? proof.jkt : 'none' }])
    // The key of the agent stays out of the proxy's proofs.
    expect(proof).not.toMatchObject({ jkt: home.jkt })
  })

  it.each(['http://api.example.com', 'api.example.com', 'ftp://localhost', `${API}/?a=b`])(
    'refuses the address %s',
    async (api) => {
      expect(await home.tool(['agent', 'proxy', '--api', api, ...ASKED])).toMatchObject({ code: 2, stdout: '' })
      expect(home.issuer.seen).toEqual([])
    },
  )

  it('gets its token with an added key of P-256 that --key names', async () => {
    const kid = signerKid(await createP256KeyFile(home.path('laptop.pem')))
    home.issuer.next('/v1/token', { status: 403, body: { reason: 'SCOPE_NOT_ALLOWED', detail: 'It is not granted' } })
    await home.tool(['agent', 'proxy', '--api', API, ...ASKED, '--key', home.path('laptop.pem')])
    expect(home.issuer.seen.at(-1)).toMatchObject({ path: '/v1/token', body: { kid } })
  })

  it('does not listen if the agent gets no token', async () => {
    home.issuer.next('/v1/token', { status: 403, body: { reason: 'SCOPE_NOT_ALLOWED', detail: 'It is not granted' } })
    expect(await home.tool(['agent', 'proxy', '--api', API, ...ASKED])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('scope set'),
    })
    expect(await home.tool(['agent', 'proxy', '--api', API, '--scope', '*', '--aud', API])).toMatchObject({ code: 2 })
  })
})
