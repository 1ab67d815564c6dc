import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type AttestationTool,
  BASE,
  openAttestationTool,
  PEM,
  refusedRun,
  TOKEN,
} from '../../../../test/support/attestation-cli.ts'

let tool: AttestationTool
beforeAll(async () => {
  tool = await openAttestationTool()
})
afterAll(() => tool[Symbol.asyncDispose]())

const ran: AttestationTool['ran'] = (...given) => tool.ran(...given)

describe('attestor', () => {
  it('add sends the settings, JSON of files, and certificates as a list', async () => {
    const { code, sent, stdout } = await ran(
      'attestor add kubernetes --type kubernetes --setting audience=a --setting max=3 --setting list=["x"] --setting jwks=@#jwks.json --setting roots=@#ca.pem --result-ttl 10m --keep-results',
    )
    expect({ code, stdout }).toMatchObject({ code: 0 })
    const certificate = PEM.trim()
    const config = { audience: 'a', max: 3, list: ['x'], jwks: { keys: [] }, roots: [certificate, certificate] }
    expect(sent).toEqual([
      {
        call: `PUT ${BASE}/attestors/kubernetes`,
        body: { type: 'kubernetes', config, result_ttl: 600, keep_results: true },
      },
    ])
  })

  it('add reads a whole configuration, which --set can add to', async () => {
    const { sent } = await ran(
      'attestor add kubernetes --type oidc --file #jwks.json --setting issuer=https://i.example',
    )
    expect(sent[0]?.body).toEqual({ type: 'oidc', config: { keys: [], issuer: 'https://i.example' } })
  })

  it('list, delete and join tokens show what the server says', async () => {
    expect((await ran('attestor list')).stdout).toMatch(/kubernetes +kubernetes +600s/)
    expect((await ran('attestor delete kubernetes')).stdout).toContain('deleted results: 3')
    expect((await ran('attestor list-join-tokens join_token')).stdout).toMatch(new RegExp(`${TOKEN} +rack-7`))
    const { sent } = await ran(`attestor delete-join-token join_token ${TOKEN}`)
    expect(sent[0]?.call).toBe(`DELETE ${BASE}/attestors/join_token/join-tokens/${TOKEN}`)
  })

  it('join-token prints the secret once, or writes it to a file', async () => {
    const shown = await ran('attestor create-join-token join_token --label rack-7 --ttl 1h', ['--quiet'])
    expect(shown.stdout).toBe('the-secret\n')
    expect(shown.sent[0]?.body).toEqual({ label: 'rack-7', ttl: 3600 })
    const { stdout } = await ran('attestor create-join-token join_token --label rack-7 --output #secret')
    expect(stdout).not.toContain('the-secret')
    expect(await readFile(tool.at('secret'), 'utf8')).toBe('the-secret\n')
  })

  it('test shows the verified claims, and never the evidence', async () => {
    const { code, stdout, sent } = await ran('attestor test kubernetes --evidence #token')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining('claims.kubernetes.namespace = "billing"'),
    })
    expect(stdout).not.toContain('a.b.c')
    const evidence = [{ attestor: 'kubernetes', evidence: Buffer.from('a.b.c').toString('base64') }]
    expect(sent).toEqual([{ call: `POST ${BASE}/rules:dry-run`, body: { attestation: { evidence } } }])
  })

  it('test ends with 1 if the attestor refuses the evidence, and says why', async () => {
    const evidence = [{ attestor: 'kubernetes', result: null, refusal: 'The token must be of the issuer', missing: [] }]
    const { code, stdout } = await ran('attestor test kubernetes --evidence #binary', [], {
      [`POST ${BASE}/rules:dry-run`]: { ...refusedRun, evidence },
    })
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: '  ✗ kubernetes refuses it: The token must be of the issuer\n',
    })
  })
})
