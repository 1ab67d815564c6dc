import { randomUUID } from 'node:crypto'
import { verifySignedRequest } from '@auth4agent/core/identity/signed-request'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { type AgentParty, newAgentParty, thumbprintOf } from '../../support/parties.ts'
import type { Json } from '../../support/protocol-client.ts'
import {
  contentDigest,
  type RequestSigner,
  type SignatureEdits,
  type SignatureHeaders,
  signRequest,
} from '../../support/request-signatures.ts'
import type { RunningServer } from '../../support/server.ts'
import { activeAgent, expectStatus, type KeyedOperator, provenOperator } from '../../support/story.ts'
import { type Sent, send as sendRequest, withSignatureOf } from './send.ts'

let deployment: Deployment
let acme: KeyedOperator
let bravo: KeyedOperator
let agent: AgentParty

beforeAll(async () => {
  deployment = await startDeployment({ instances: 2 })
  const { client, dns } = deployment
  acme = await provenOperator(client, dns, 'acme.example.com')
  bravo = await provenOperator(client, dns, 'bravo.example.net')
  agent = await activeAgent(client, acme)
})
afterAll(() => deployment?.stop())

const signerOf = ({ keys }: KeyedOperator): RequestSigner => ({
  privateKey: keys.privateKey,
  keyid: thumbprintOf(keys),
})
const labelPath = () => `/v1/operators/${acme.id}/agents/${agent.did}`
const nowS = () => Math.floor(Date.now() / 1000)

/** Returns a signed change of the agent's label. */
function signedUpdate(
  edits: SignatureEdits = {},
  { signer = signerOf(acme), query = '', host = ISSUER, method = 'PATCH' } = {},
): Sent {
  const body = JSON.stringify({ label: randomUUID() })
  const path = labelPath() + query
  const headers = signRequest(signer, { method, url: host + path, body, headers: { 'x-one': '1, 2' } }, edits)
  return { method, path, body, headers: { 'content-type': 'application/json', ...headers } }
}

const send = (sent: Sent, server: RunningServer = deployment.server) => sendRequest(sent, server)

const invalid = '401 INVALID_REQUEST_SIGNATURE'

describe('an HTTP message signature', () => {
  it('authenticates a change once, and the audit proves the change', async () => {
    const nonce = randomUUID()
    const update = signedUpdate({ parameters: { nonce } })
    expect(await send(update)).toBe('200 OK')
    expect(await send(update)).toBe('401 ASSERTION_USED')
    const [record] = expectStatus(
      200,
      await deployment.client.get<readonly Json[]>(`/v1/operators/${acme.id}/audit?outcome=done`, acme),
    )
    expect(record).toMatchObject({ action: 'agent.update', kid: thumbprintOf(acme.keys) })
    const path = `/v1/operators/${acme.id}/audit/${String(record?.['id'])}`
    const found = expectStatus(
      200,
      await deployment.client.get<{ signed_request: SignedJson }>(path, acme),
    ).signed_request
    const { rpc, signatures, body_digest: bodyDigest } = found
    const body = Buffer.from(found.body, 'base64')
    expect(body.toString()).toBe(update.body)
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: acme.keys.publicKey.toString('base64url') } as const
    const verdict = verifySignedRequest({ rpc, signatures, body, bodyDigest }, jwk)
    expect(verdict).toMatchObject({ ok: true, kind: 'message-signature', audience: ISSUER + labelPath(), id: nonce })
  })

  it('is accepted at only one of two servers that get it at the same time', async () => {
    for (let round = 0; round < 5; round++) {
      const update = signedUpdate()
      const outcomes = await Promise.all(
        deployment.servers.flatMap((server) => Array.from({ length: 4 }, () => send(update, server))),
      )
      expect(outcomes.filter((outcome) => outcome === '200 OK')).toHaveLength(1)
      expect(outcomes.filter((outcome) => outcome === '401 ASSERTION_USED')).toHaveLength(outcomes.length - 1)
    }
  })

  it.each<[string, () => Sent]>([
    ['another label and alg', () => signedUpdate({ label: 'my-key', parameters: { alg: 'ed25519' } })],
    ['expires', () => signedUpdate({ parameters: { expires: nowS() + 30 } })],
    ['created 290 s ago', () => signedUpdate({ parameters: { created: nowS() - 290 } })],
    [
      'a covered header in two lines',
      () => {
        const update = signedUpdate({ components: ['"@method"', '"@target-uri"', '"content-digest"', '"x-one"'] })
        return { ...update, headers: { ...update.headers, 'X-One': ['1', '2'] } }
      },
    ],
    [
      'another signature for a proxy',
      () => withSignatureOf(signedUpdate(), signedUpdate({ label: 'p', parameters: { tag: 'x' } })),
    ],
    [
      'Content-Digest in two lines, one for each algorithm',
      () => {
        const update = signedUpdate()
        const lines = [contentDigest(update.body, 'sha-512'), contentDigest(update.body)]
        const toSign = { method: update.method, url: ISSUER + update.path, body: update.body }
        const headers = signRequest(signerOf(acme), toSign, { contentDigest: lines.join(', ') })
        return { ...update, headers: { ...update.headers, ...headers, 'content-digest': lines } }
      },
    ],
    [
      'a body with other digests too',
      () => {
        const update = signedUpdate()
        return { ...update, headers: { ...update.headers, 'repr-digest': contentDigest('x') } }
      },
    ],
    [
      'another Host header and X-Forwarded-Host',
      () => {
        const update = signedUpdate()
        return { ...update, headers: { ...update.headers, host: 'evil.example', 'x-forwarded-host': 'evil.example' } }
      },
    ],
  ])('is accepted with %s', async (_name, make) => {
    expect(await send(make())).toBe('200 OK')
  })

  it.each<[string, () => Sent, string]>([
    ['no @method', () => signedUpdate({ components: ['"@target-uri"', '"content-digest"'] }), invalid],
    ['no @target-uri', () => signedUpdate({ components: ['"@method"', '"@path"', '"content-digest"'] }), invalid],
    ['no content-digest', () => signedUpdate({ components: ['"@method"', '"@target-uri"'] }), invalid],
    ['created 320 s ago', () => signedUpdate({ parameters: { created: nowS() - 320 } }), invalid],
    ['created in the future', () => signedUpdate({ parameters: { created: nowS() + 60 } }), invalid],
    ['expires in the past', () => signedUpdate({ parameters: { expires: nowS() - 30 } }), invalid],
    ['no nonce', () => signedUpdate({ parameters: { nonce: undefined } }), invalid],
    ['another tag', () => signedUpdate({ parameters: { tag: 'web-bot-auth' } }), invalid],
    ['no tag', () => signedUpdate({ parameters: { tag: undefined } }), invalid],
    ['a tag in other letters', () => signedUpdate({ parameters: { tag: 'Auth4Agent' } }), invalid],
    ['another alg', () => signedUpdate({ parameters: { alg: 'hmac-sha256' } }), invalid],
    ['two signatures for this server', () => withSignatureOf(signedUpdate(), signedUpdate({ label: 'b' })), invalid],
    ['its label in two lines', () => withSignatureOf(signedUpdate(), signedUpdate()), invalid],
    [
      'its label in a second line for a proxy',
      () => withSignatureOf(signedUpdate(), signedUpdate({ parameters: { tag: 'x' } })),
      invalid,
    ],
    [
      'its label in an earlier line for a proxy',
      () => withSignatureOf(signedUpdate({ parameters: { tag: 'x' } }), signedUpdate()),
      invalid,
    ],
    ['its Signature in two lines', () => twice('signature'), invalid],
    ['its Signature-Input in two lines', () => twice('signature-input'), invalid],
    ['its Content-Digest in two lines', () => twice('content-digest'), invalid],
    ['SHA-512 only', () => signedUpdate({ contentDigest: contentDigest('x', 'sha-512') }), invalid],
    [
      'the digest of another body',
      () => ({ ...signedUpdate(), body: '{"label":"swapped"}' }),
      '401 BODY_DIGEST_MISMATCH',
    ],
    [
      'two headers Content-Digest',
      () => {
        const update = signedUpdate()
        const lines = [contentDigest(update.body), contentDigest('{"label":"swapped"}')]
        return { ...update, headers: { ...update.headers, 'content-digest': lines } }
      },
      invalid,
    ],
    ['a query that is gone', () => ({ ...signedUpdate({}, { query: '?x=1' }), path: labelPath() }), invalid],
    [
      'another path',
      () => ({
        ...signedUpdate(),
        path: labelPath().replace('%', '%25').replace(agent.did, agent.did.replace('did:', 'did%3A')),
      }),
      invalid,
    ],
    ['another host', () => signedUpdate({}, { host: 'https://evil.example' }), invalid],
    ['another scheme', () => signedUpdate({}, { host: ISSUER.replace('http:', 'https:') }), invalid],
    ['the method in lower case', () => ({ ...signedUpdate({}, { method: 'patch' }), method: 'PATCH' }), invalid],
    ['the key of another operator', () => signedUpdate({}, { signer: signerOf(bravo) }), invalid],
    [
      'the keyid of another operator',
      () => signedUpdate({}, { signer: { ...signerOf(acme), keyid: thumbprintOf(bravo.keys) } }),
      invalid,
    ],
    ['an unknown keyid', () => signedUpdate({}, { signer: { ...signerOf(acme), keyid: 'test-key-ed25519' } }), invalid],
    [
      'an Authorization header beside it',
      () => {
        const update = signedUpdate()
        return { ...update, headers: { ...update.headers, authorization: acme.assert(`PATCH ${labelPath()}`) } }
      },
      invalid,
    ],
    ['only Signature', () => without('signature-input'), invalid],
    ['only Signature-Input', () => without('signature'), invalid],
    ['no Content-Digest', () => without('content-digest'), invalid],
  ])('is refused with %s', async (_name, make, outcome) => {
    expect(await send(make())).toBe(outcome)
  })

  it('can still be used after a request with another body was refused', async () => {
    const update = signedUpdate()
    expect(await send({ ...update, body: '{}' })).toBe('401 BODY_DIGEST_MISMATCH')
    expect(await send(update)).toBe('200 OK')
  })

  it('for another program is ignored beside an assertion', async () => {
    const update = signedUpdate({ parameters: { tag: 'web-bot-auth' } })
    const authorization = acme.assert(`PATCH ${labelPath()}`)
    expect(await send({ ...update, headers: { ...update.headers, authorization } })).toBe('200 OK')
  })

  it('is ignored by a call that only anonymous callers make, whatever it is', async () => {
    const headers = { 'signature-input': '(nonsense', signature: 'x', 'content-digest': 'y' }
    expect(await send({ method: 'GET', path: `/v1/agent/${agent.did}`, body: '', headers })).toBe('200 OK')
  })

  it('authenticates a registration, which makes the agent active', async () => {
    const { did, publicKey } = newAgentParty(acme.domain)
    const [method, path] = ['POST', `/v1/operators/${acme.id}/agents`]
    const body = JSON.stringify({ agent_public_key: publicKey })
    const headers = {
      'content-type': 'application/json',
      ...signRequest(signerOf(acme), { method, url: ISSUER + path, body }),
    }
    expect(await send({ method, path, body, headers })).toBe('201 OK')
    expect(expectStatus(200, await deployment.client.getAgent(did))).toMatchObject({ status: 'active' })
  })

  it('authenticates reads, with the digest of no bytes, as often as they are sent', async () => {
    for (const method of ['GET', 'HEAD']) {
      const path = `/v1/operators/${acme.id}/agents?page_size=1`
      const read = {
        method,
        path,
        body: '',
        headers: { ...signRequest(signerOf(acme), { method, url: ISSUER + path }) },
      }
      expect(await send(read)).toBe('200 OK')
      expect(await send(read)).toBe('200 OK')
      expect(await send({ ...read, path: path.replace(/1$/, '2') })).toBe(method === 'GET' ? invalid : '401 OK')
    }
  })

  it.each([
    ['of the administrator', () => `/v1/operators/${acme.id}/suspend`, '{}'],
    ['whose request names no operator', () => '/v1/revoke/token', '{"jti":"x"}'],
  ])('does not authenticate a call %s', async (_name, pathOf, body) => {
    const [method, path] = ['POST', pathOf()]
    const headers = {
      'content-type': 'application/json',
      ...signRequest(signerOf(acme), { method, url: ISSUER + path, body }),
    }
    expect(await send({ method, path, body, headers })).toBe(invalid)
  })
})

/** A signed request as REST returns it. */
interface SignedJson {
  readonly rpc: string
  readonly signatures: readonly string[]
  readonly body: string
  readonly body_digest: string
}

/** Returns a good request without one of its headers. */
function without(name: string): Sent {
  const update = signedUpdate()
  return { ...update, headers: Object.fromEntries(Object.entries(update.headers).filter(([each]) => each !== name)) }
}

/** Returns a good request that has one of its headers in two equal lines. */
function twice(name: keyof SignatureHeaders): Sent {
  const update = signedUpdate()
  const line = [update.headers[name] ?? ''].flat()
  return { ...update, headers: { ...update.headers, [name]: [...line, ...line] } }
}
