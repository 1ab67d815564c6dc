import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EvidenceRequest, EvidenceSource } from '../attestation/evidence-source.ts'
import { azure, gcp, githubActions, gitlab, joinToken, kubernetes, spiffe } from './index.ts'

const AUDIENCE = 'https://auth.example.com/attest/key'
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auth4agent-enrol-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

/** Resolves with the evidence of a source as text, and the requests that it sent. */
async function read(source: EvidenceSource, answer: () => Response = () => new Response('')) {
  const sent: { readonly url: string; readonly headers: object; readonly redirect: string }[] = []
  const request: EvidenceRequest = {
    nonce: 'n'.repeat(43),
    audience: AUDIENCE,
    challenge: new Uint8Array(),
    publicKey: new Uint8Array(32),
    thumbprint: 'key',
    sign: () => Promise.reject(new Error('no signature is needed')),
    fetch: async (input, init) => {
      const { url, headers, redirect } = new Request(input, init)
      sent.push({ url, headers: Object.fromEntries(headers), redirect })
      return answer()
    },
    signal: new AbortController().signal,
  }
  return { text: Buffer.from(await source.evidence(request)).toString(), sent }
}

describe('kubernetes', () => {
  it('reads the file each time, because the kubelet replaces the token', async () => {
    const tokenFile = join(folder, 'token')
    const source = kubernetes({ tokenFile })
    for (const token of ['first', 'second']) {
      await writeFile(tokenFile, `${token}\n`)
      expect((await read(source)).text).toBe(token)
    }
    expect(source.attestor).toBe('kubernetes')
  })

  it('rejects if the file is missing or empty', async () => {
    const tokenFile = join(folder, 'token')
    await expect(read(kubernetes({ tokenFile }))).rejects.toThrow(`There is no file ${tokenFile}`)
    await writeFile(tokenFile, '\n')
    await expect(read(kubernetes({ tokenFile }))).rejects.toThrow(`${tokenFile} is empty`)
  })
})

/** Sets the variables of a job whose workflow may get ID tokens. */
function runs() {
  vi.stubEnv('ACTIONS_ID_TOKEN_REQUEST_URL', 'https://runner.example/token?api-version=2.0')
  vi.stubEnv('ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'secret')
}

describe('githubActions', () => {
  it('asks the runner for a token with the audience of the nonce', async () => {
    runs()
    const { text, sent } = await read(githubActions(), () => Response.json({ value: 'a.b.c' }))
    expect(text).toBe('a.b.c')
    expect(sent).toEqual([
      {
        url: `https://runner.example/token?api-version=2.0&audience=${encodeURIComponent(AUDIENCE)}`,
        headers: { authorization: 'Bearer secret' },
        redirect: 'error',
      },
    ])
  })

  it('says which permission the workflow lacks', async () => {
    vi.stubEnv('ACTIONS_ID_TOKEN_REQUEST_URL', undefined)
    await expect(read(githubActions())).rejects.toThrow('permissions: id-token: write')
  })

  it.each<[string, () => Response, string]>([
    ['a refusal', () => new Response('no', { status: 403 }), 'answered with status 403'],
    ['an answer without a token', () => Response.json({ token: 'x' }), 'no text "value"'],
    ['an answer that is no JSON', () => new Response('x secret'), 'no text "value"'],
    ['a long answer', () => new Response('x'.repeat(65_537)), 'too long'],
    ['an empty token', () => Response.json({ value: ' ' }), 'The ID token is empty'],
  ])('rejects for %s', async (_, answer, why) => {
    runs()
    await expect(read(githubActions(), answer)).rejects.toThrow(why)
  })
})

describe('other sources of tokens', () => {
  it('gitlab reads the variable', async () => {
    vi.stubEnv('AUTH4AGENT_ID_TOKEN', 'usual')
    vi.stubEnv('OTHER', 'other')
    expect((await read(gitlab())).text).toBe('usual')
    expect((await read(gitlab({ variable: 'OTHER' }))).text).toBe('other')
    await expect(read(gitlab({ variable: 'MISSING' }))).rejects.toThrow('The variable MISSING is empty')
  })

  it('gcp asks the metadata server for a token with the audience and the claims about the machine', async () => {
    const { text, sent } = await read(gcp(), () => new Response('a.b.c'))
    expect(text).toBe('a.b.c')
    expect(sent[0]?.headers).toEqual({ 'metadata-flavor': 'Google' })
    const { host, searchParams } = new URL(sent[0]?.url ?? '')
    expect(host).toBe('metadata.google.internal')
    expect(Object.fromEntries(searchParams)).toEqual({ audience: AUDIENCE, format: 'full' })
  })

  it('azure asks for a token for the resource', async () => {
    const { text, sent } = await read(azure({ resource: 'api://x', clientId: 'id' }), () =>
      Response.json({ access_token: 'a.b.c' }),
    )
    expect(text).toBe('a.b.c')
    expect(sent[0]?.headers).toEqual({ metadata: 'true' })
    const { host, searchParams } = new URL(sent[0]?.url ?? '')
    expect(host).toBe('169.254.169.254')
    expect(Object.fromEntries(searchParams)).toEqual({
      'api-version': '2018-02-01',
      resource: 'api://x',
      client_id: 'id',
    })
  })

  it('joinToken uses a secret, or reads it from a file', async () => {
    const file = join(folder, 'join-token')
    await writeFile(file, 'secret\n')
    expect((await read(joinToken('secret'))).text).toBe('secret')
    expect((await read(joinToken({ file }))).text).toBe('secret')
    await expect(read(joinToken({ file: `${file}s` }))).rejects.toThrow(`There is no file ${file}s`)
  })

  it.each(['', 'agent.sock', 'tcp://127.0.0.1:8081', 'unix:agent.sock'])(
    'spiffe throws TypeError for the socket "%s"',
    (socket) => expect(() => spiffe({ socket })).toThrow(TypeError),
  )
})
