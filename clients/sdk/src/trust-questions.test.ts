import { describe, expect, it } from 'vitest'
import { createAdministrator } from './administrator.ts'
import { generatePrivateKey } from './node/index.ts'
import { createOperator } from './operator.ts'
import type { TrustQuestion } from './trust-questions.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const { signer: key } = generatePrivateKey()
const question: TrustQuestion = { from: 'bolt.example', to: 'https://api.cargo.example', scope: 'read' }
const leg = { leg: 'permission', ok: false, path: [{ kind: 'member' }], max_staleness_ms: 0 }
const missing = { kind: 'lets-call', from: 'cargo.example', to: 'bolt.example', state: 'absent' }
const cure = { who: 'cargo.example', signatures: 1, command: 'auth4agent trust offer' }
const explanation = { allowed: false, position: '3-8812', legs: [{ ...leg, missing, cures: [cure] }, leg] }

/** Asks a server that gives this answer, as an operator and as the administrator. */
function asking(answer: unknown) {
  const sent: { readonly call: string; readonly body: string; readonly party: unknown }[] = []
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init)
    const [, payload = ''] = String(request.headers.get('authorization')).split('.')
    const { iss: party } = JSON.parse(Buffer.from(payload, 'base64url').toString())
    sent.push({ call: `${request.method} ${request.url}`, body: await request.text(), party })
    return Response.json(answer)
  }
  const given = { server: 'https://auth.example', key, fetch }
  return { sent, askers: [createOperator({ ...given, operatorId: ID }), createAdministrator(given)] }
}

describe('explainTrust', () => {
  it('asks as the operator or as the administrator', async () => {
    const { askers, sent } = asking(explanation)
    for (const asker of askers) await asker.explainTrust(question)
    const call = 'POST https://auth.example/v1/trust/explain'
    expect(sent).toEqual([ID, 'admin'].map((party) => ({ call, body: JSON.stringify(question), party })))
  })

  it('reads legs with and without what is missing', async () => {
    const answer = await asking(explanation).askers[0]?.explainTrust(question)
    expect(answer?.legs).toEqual([
      { ...leg, missing, cures: [cure] },
      { ...leg, missing: undefined, cures: [] },
    ])
  })

  it.each([
    { ...explanation, allowed: 'no' },
    { ...explanation, legs: [{ ...leg, ok: undefined }] },
    { ...explanation, legs: [{ ...leg, path: [{ from: 'x' }] }] },
    { ...explanation, legs: [{ ...leg, missing: { kind: 'member' } }] },
    { ...explanation, legs: [{ ...leg, cures: [{ ...cure, command: 7 }] }] },
  ])('refuses the answer %j', async (answer) => {
    await expect(asking(answer).askers[0]?.explainTrust(question)).rejects.toMatchObject({
      reason: 'UNEXPECTED_ANSWER',
    })
  })

  it('refuses an unknown name in the question', async () => {
    const wrong = { ...question, scopes: 'read' }
    await expect(asking(explanation).askers[0]?.explainTrust(wrong)).rejects.toThrow(/question "scopes"/)
  })
})

describe('createTrustView', () => {
  const link = { url: 'https://auth.example/trust?view=a.b.c', expires_at: '2027-01-15T08:05:00Z' }

  it('asks for a link, to all of the graph or to a part', async () => {
    const { askers, sent } = asking(link)
    expect(await askers[0]?.createTrustView()).toEqual(link)
    await askers[1]?.createTrustView({ around: 'bolt.example' })
    const call = 'POST https://auth.example/v1/trust/views'
    expect(sent).toEqual([
      { call, body: '{}', party: ID },
      { call, body: '{"around":"bolt.example"}', party: 'admin' },
    ])
  })

  it('refuses an unknown option and an answer without a link', async () => {
    const wrong = { around: 'bolt.example', format: 'svg' }
    await expect(asking(link).askers[0]?.createTrustView(wrong)).rejects.toThrow(/option "format"/)
    await expect(asking({}).askers[0]?.createTrustView()).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })
})

describe('trustGraph', () => {
  it('asks for a format and a part of the graph', async () => {
    const document = { document: 'digraph {}', media_type: 'text/vnd.graphviz', nodes: 0, edges: 0 }
    const { askers, sent } = asking(document)
    expect(await askers[1]?.trustGraph({ format: 'dot', around: 'bolt.example' })).toEqual(document)
    await askers[0]?.trustGraph()
    expect(sent.map(({ call }) => call)).toEqual([
      'GET https://auth.example/v1/trust/graph?format=dot&around=bolt.example',
      'GET https://auth.example/v1/trust/graph',
    ])
  })
})
