import { describe, expect, it } from 'vitest'
import { sendHttp } from '../../test/contract/support/http.ts'
import { startGateway } from '../../test/support/gateway.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const CONNECT = '/auth4agent.v1.AuthnService/IssueToken'

/** Sends a request to a gateway with this issuer. Returns the proof that the gateway passes on. */
async function proofOf(issuer: string, path: string, headers: Readonly<Record<string, string>>) {
  const { url, rpc } = await startGateway({ baseUrl: issuer })
  await sendHttp(url, {
    verb: 'POST',
    path,
    headers,
    body: headers['content-type'] === FORM['content-type'] ? '' : '{}',
  })
  return rpc.last().meta.dpop
}

describe('the gateway passes on a DPoP proof with the public URL of its request', () => {
  it.each([
    ['https://auth.example', '/oauth/token', FORM, 'https://auth.example/oauth/token'],
    ['https://auth.example', '/v1/token', JSON_TYPE, 'https://auth.example/v1/token'],
    ['https://auth.example', CONNECT, JSON_TYPE, `https://auth.example${CONNECT}`],
    ['https://auth.example/a4a', '/a4a/oauth/token', FORM, 'https://auth.example/a4a/oauth/token'],
    // A proxy may have removed the path of the issuer.
    ['https://auth.example/a4a', '/oauth/token', FORM, 'https://auth.example/a4a/oauth/token'],
    ['https://auth.example/a4a', CONNECT, JSON_TYPE, `https://auth.example/a4a${CONNECT}`],
  ])('issuer %s, path %s', async (issuer, path, headers, url) => {
    // The URL does not depend on headers that the caller chooses.
    const spoofed = { ...headers, host: 'evil.example', 'x-forwarded-host': 'evil.example', dpop: 'a.b.c' }
    expect(await proofOf(issuer, path, spoofed)).toEqual({ text: 'a.b.c', method: 'POST', url })
  })

  it('and without a proof passes on none', async () => {
    expect(await proofOf('https://auth.example', '/oauth/token', FORM)).toBeUndefined()
    expect(await proofOf('https://auth.example', CONNECT, JSON_TYPE)).toBeUndefined()
  })

  it('and keeps a proof that is empty or too long recognisable as no proof', async () => {
    expect(await proofOf('https://auth.example', '/v1/token', { ...JSON_TYPE, dpop: '' })).toMatchObject({ text: '' })
    const long = await proofOf('https://auth.example', '/v1/token', { ...JSON_TYPE, dpop: 'a'.repeat(9000) })
    expect(long?.text).toHaveLength(4097)
  })
})
