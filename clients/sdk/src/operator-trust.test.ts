import { draftClaims } from '@auth4agent/core/trust/read-draft'
import { describe, expect, it } from 'vitest'
import { verifyTrustStatement } from '../../../services/trust/statements/domain/verify-statement.ts'
import { generatePrivateKey } from './node/index.ts'
import { createOperator, type OperatorOptions } from './operator.ts'
import { approveRequest } from './operator-request.ts'
import type { NewStatement } from './operator-trust.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const SUBJECT = 'bbbbbbbb-2222-8222-8222-222222222222'
const JTI = '0190aaaa-0000-7000-8000-000000000001'
const ISSUER = 'https://auth.example'
const NOW_S = 1_800_000_000
const { signer: key } = generatePrivateKey()

const party = (operator_id: string, domain: string) => ({ operator_id, domain, home: ISSUER })
const record = {
  jti: JTI,
  edge_id: JTI,
  kind: 'lets-call',
  signer: party(ID, 'cargo.example'),
  subject: party(SUBJECT, 'acme.example'),
  depth: 0,
  grants: [],
  aud: [ISSUER],
  visibility: 'parties',
  version: 4,
  state: 'active',
  issued_at: 't',
  not_before: 't',
  expires_at: 't',
  statement: 'a.b.c',
}
const proposal = {
  proposal_id: JTI,
  proposer: party(SUBJECT, 'acme.example'),
  signer_id: ID,
  draft: {},
  created_at: 't',
  expires_at: 't',
}
const statement: NewStatement = {
  kind: 'lets-call',
  subject: { operatorId: SUBJECT, domain: 'acme.example' },
  grants: [{ audience: 'https://api.cargo.example', scopes: { 'orders:read': ['read'] } }],
}

const now = () => NOW_S * 1_000

/** An operator whose server gives these answers, by `METHOD path`, and the requests that it has received. */
function operatorWith(answers: Readonly<Record<string, unknown>>, options: Partial<OperatorOptions> = {}) {
  const sent: { readonly call: string; readonly body: unknown }[] = []
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init)
    const { pathname, search } = new URL(request.url)
    const body = await request.text()
    sent.push({ call: `${request.method} ${pathname}${search}`, body: body === '' ? undefined : JSON.parse(body) })
    return Response.json(answers[`${request.method} ${pathname}`] ?? {})
  }
  const given = { server: ISSUER, operatorId: ID, domain: 'cargo.example', key, fetch, now, ...options }
  return { sent, operator: createOperator(given) }
}

const PATH = `/v1/operators/${ID}/trust`

describe('operator.trust.draft', () => {
  it('completes a statement by the operator, its domain and its deployment', async () => {
    const { sent, operator } = operatorWith({})
    expect(await operator.trust.draft(statement)).toEqual({
      iss: ID,
      home: ISSUER,
      domain: 'cargo.example',
      sub: SUBJECT,
      subHome: ISSUER,
      subDomain: 'acme.example',
      aud: [ISSUER],
      kind: 'lets-call',
      grants: statement.grants,
      visibility: 'parties',
    })
    expect(sent).toEqual([])
  })

  it('asks the server for the domain if the client does not know it', async () => {
    const answer = { id: ID, domain: 'cargo.example', status: 'active' }
    const { operator } = operatorWith({ [`GET /v1/operators/${ID}`]: answer }, { domain: undefined })
    expect((await operator.trust.draft(statement)).domain).toBe('cargo.example')
  })

  it.each<readonly [string, Partial<NewStatement>, string]>([
    [
      'a wildcard audience',
      { grants: [{ audience: '*', scopes: { read: ['read'] } }] },
      'grants[0].audience of the st',
    ],
    ['no subject', { subject: {} }, 'sub of the statement must be an operator id'],
    ['grants in blocks', { kind: 'blocks' }, 'grants of the statement must be left out'],
  ])('rejects %s with TypeError', async (_, change, message) => {
    const { operator } = operatorWith({})
    const refused = operator.trust.draft({ ...statement, ...change })
    await expect(refused).rejects.toThrow(TypeError)
    await expect(refused).rejects.toThrow(message)
  })
})

describe('operator.trust.sign', () => {
  it('signs with the root key a version above all of the same kind, signer and subject', async () => {
    const others = [
      { ...record, version: 9, kind: 'member' },
      { ...record, version: 9, subject: party(JTI, 'other.example') },
      { ...record, version: 9, signer: party(SUBJECT, 'acme.example'), subject: party(ID, 'cargo.example') },
    ]
    const statements = [...others, record, { ...record, version: 2 }]
    const { sent, operator } = operatorWith({ [`GET ${PATH}`]: { statements, next_page_token: '' } })
    const signed = await operator.trust.sign(await operator.trust.draft(statement))
    expect(sent.map(({ call }) => call)).toEqual([`GET ${PATH}?with_ended=true&page_size=200`])
    expect(verifyTrustStatement(signed)).toMatchObject({
      ok: true,
      statement: { iss: ID, sub: SUBJECT, version: 5, iat: NOW_S - 30, exp: NOW_S - 30 + 90 * 86_400 },
    })
  })

  it('compares the issuer for chains-to, which names no operator', async () => {
    const chain = {
      ...record,
      kind: 'chains-to',
      subject: { operator_id: '', domain: '', home: 'https://far.example' },
    }
    const other = { ...chain, version: 7, subject: { ...chain.subject, home: 'https://other.example' } }
    const { operator } = operatorWith({ [`GET ${PATH}`]: { statements: [chain, other], next_page_token: '' } })
    const grants = [{ audience: '', scopes: { read: ['read'] } }]
    const draft = await operator.trust.draft({ kind: 'chains-to', subject: { home: 'https://far.example' }, grants })
    const signed = await operator.trust.sign(draft)
    expect(verifyTrustStatement(signed)).toMatchObject({ statement: { version: 5 } })
  })

  it.each([{ iss: SUBJECT }, { home: 'https://far.example' }])(
    'rejects the draft of another signer: %j',
    async (other) => {
      const { operator } = operatorWith({})
      const draft = { ...(await operator.trust.draft(statement)), ...other }
      await expect(operator.trust.sign(draft)).rejects.toThrow('The draft is one of another operator')
    },
  )

  it('asks nothing if the version is given, and signs the given times', async () => {
    const { sent, operator } = operatorWith({})
    const draft = await operator.trust.draft(statement)
    const signed = await operator.trust.sign(draft, { version: 3, nbf: NOW_S + 60, exp: NOW_S + 120 })
    expect(verifyTrustStatement(signed)).toMatchObject({
      statement: { version: 3, nbf: NOW_S + 60, exp: NOW_S + 120 },
    })
    expect(sent).toEqual([])
  })
})

describe('the calls of operator.trust', () => {
  it('put sends the statement, and resolves with the record', async () => {
    const { sent, operator } = operatorWith({ [`POST ${PATH}`]: { statement: record } })
    expect(await operator.trust.put('a.b.c')).toEqual(record)
    expect(sent).toEqual([{ call: `POST ${PATH}`, body: { statement: 'a.b.c' } }])
  })

  it('prepare returns the request that further root keys approve and that send sends', async () => {
    const { sent, operator } = operatorWith({ [`POST ${PATH}`]: { statement: record } })
    const request = operator.trust.prepare('a.b.c')
    expect(request).toMatchObject({ rpc: `POST ${PATH}`, body: '{"statement":"a.b.c"}', operatorId: ID })
    const approval = await approveRequest(request, { key, now })
    await operator.trust.put('a.b.c', [approval])
    expect(sent).toHaveLength(1)
  })

  it('list yields the statements of all pages', async () => {
    const { operator } = operatorWith({ [`GET ${PATH}`]: { statements: [record], next_page_token: '' } })
    expect(await Array.fromAsync(operator.trust.list())).toEqual([record])
  })

  it('revoke sends the jti in the path, and the reason', async () => {
    const { sent, operator } = operatorWith({ [`POST ${PATH}/${JTI}/revoke`]: { statement: record } })
    expect(await operator.trust.revoke(JTI, 'over')).toEqual(record)
    expect(sent).toEqual([{ call: `POST ${PATH}/${JTI}/revoke`, body: { reason: 'over' } }])
  })

  it('prepareRevoke returns the request that further root keys approve and that revoke sends', async () => {
    const { sent, operator } = operatorWith({ [`POST ${PATH}/${JTI}/revoke`]: { statement: record } })
    const request = operator.trust.prepareRevoke(JTI, 'peace')
    expect(request).toMatchObject({ rpc: `POST ${PATH}/${JTI}/revoke`, body: '{"reason":"peace"}', operatorId: ID })
    const approval = await approveRequest(request, { key, now })
    expect(await operator.trust.revoke(JTI, 'peace', [approval])).toEqual(record)
    expect(sent).toEqual([{ call: `POST ${PATH}/${JTI}/revoke`, body: { reason: 'peace' } }])
  })

  it('propose sends the claims of the draft', async () => {
    const { sent, operator } = operatorWith({ [`POST ${PATH}/proposals`]: { proposal } })
    const draft = await operator.trust.draft(statement)
    expect(await operator.trust.propose(draft)).toEqual(proposal)
    expect(sent).toEqual([{ call: `POST ${PATH}/proposals`, body: { draft: draftClaims(draft) } }])
  })

  it('proposals resolves with the drafts that wait', async () => {
    const { operator } = operatorWith({ [`GET ${PATH}/proposals`]: { proposals: [proposal] } })
    expect(await operator.trust.proposals()).toEqual([proposal])
  })

  it('dismiss sends the id in the path, and the reason', async () => {
    const answer = { proposer_id: SUBJECT, refused_until: '2027-02-14T08:00:00Z' }
    const { sent, operator } = operatorWith({ [`POST ${PATH}/proposals/${JTI}/dismiss`]: answer })
    expect(await operator.trust.dismiss(JTI, 'unknown')).toEqual(answer)
    expect(sent).toEqual([{ call: `POST ${PATH}/proposals/${JTI}/dismiss`, body: { reason: 'unknown' } }])
  })

  it.each([
    ['dismiss', { [`POST ${PATH}/proposals/x/dismiss`]: { proposer_id: SUBJECT } }, 'dismiss'],
    ['put', { [`POST ${PATH}`]: { statement: { ...record, signer: {} } } }, 'put'],
    ['a list', { [`GET ${PATH}/proposals`]: {} }, 'proposals'],
  ] as const)('reject an incomplete answer to %s with UNEXPECTED_ANSWER', async (_, answers, name) => {
    const { trust } = operatorWith(answers).operator
    const calls = {
      put: () => trust.put('a.b.c'),
      proposals: () => trust.proposals(),
      dismiss: () => trust.dismiss('x'),
    }
    await expect(calls[name]()).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })
})
