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
    const document = { document: '<svg/>', media_type: 'image/svg+xml', nodes: 0, edges: 0 }
    const { askers, sent } = asking(document)
    expect(await askers[1]?.trustGraph({ format: 'svg', around: 'bolt.example' })).toEqual(document)
    await askers[0]?.trustGraph()
    expect(sent.map(({ call }) => call)).toEqual([
      'GET https://auth.example/v1/trust/graph?format=svg&around=bolt.example',
      'GET https://auth.example/v1/trust/graph',
    ])
  })
})

describe('listAdmissions', () => {
  const scopes = [{ scope: 'read', values: ['orders:read'] }]
  const authors = [{ edge_id: 'e2', operator_id: ID, epoch: 1 }]
  const admission = (domain: string) => ({
    issuer: 'https://alpha.example',
    domain,
    operator_id: ID,
    scopes,
    edge_ids: ['e1', 'e2'],
    authors,
    expires_at: '2027-04-15T08:00:00Z',
  })
  const issuer = {
    issuer: 'https://alpha.example',
    kind: 'auth4agent',
    revocation_mode: 'log',
    max_token_ttl: 3_600,
    max_staleness_ms: 5_000,
    generation: 1,
  }
  const page = (position: string, ...admissions: readonly object[]) => ({
    admissions,
    issuers: [issuer],
    bound_only: false,
    position,
    as_of: '2027-01-15T08:00:00.000Z',
    max_age: 1_800,
  })

  it('reads all pages, and returns the position of the first one', async () => {
    const asked: string[] = []
    const fetch = async (input: string | URL | Request) => {
      const url = new URL(new Request(input).url)
      asked.push(url.searchParams.get('page_token') ?? '')
      if (asked.length > 1) return Response.json(page('3-8813', admission('dock.example')))
      const headers = { link: `<${url.pathname}?page_token=next>; rel="next"` }
      return Response.json(page('3-8812', admission('bolt.example')), { headers })
    }
    const operator = createOperator({ server: 'https://auth.example', key, operatorId: ID, fetch })
    const all = [admission('bolt.example'), admission('dock.example')]
    expect(await operator.listAdmissions('https://api.cargo.example')).toEqual(page('3-8812', ...all))
    expect(asked).toEqual(['', 'next'])
  })

  it.each([
    { ...page('3-8812'), bound_only: 'no' },
    page('3-8812', { ...admission('bolt.example'), scopes: [{ scope: 'read' }] }),
    page('3-8812', { ...admission('bolt.example'), authors: [{ edge_id: 'e2' }] }),
    { ...page('3-8812'), issuers: [{ ...issuer, generation: 'x' }] },
  ])('refuses the answer %j', async (answer) => {
    const asked = asking(answer).askers[0]?.listAdmissions('https://api.cargo.example')
    await expect(asked).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })
})
