import { expect, it } from 'vitest'
import { generatePrivateKey } from './node/index.ts'
import { createOperator } from './operator.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const RECORD_ID = '0199f3c0-0000-7000-8000-000000000001'
const { signer: key } = generatePrivateKey()
const record = { id: RECORD_ID, at: 't', actor: 'a', action: 'x', subject: 's', outcome: 'done', key_label: 'bob' }
const signed = { rpc: 'PUT /v1/x', signatures: ['a.b.c'], body: 'e30=', body_digest: 'd' }

/** Returns the evidence for a record that the server answers with, and the path of the request. */
async function ask(answer: unknown, recordId = RECORD_ID) {
  const paths: string[] = []
  const fetch = async (input: string | URL | Request) => {
    paths.push(new URL(input instanceof Request ? input.url : input).pathname)
    return Response.json(answer)
  }
  const operator = createOperator({ server: 'https://auth.example', operatorId: ID, key, fetch })
  return { paths, evidence: await operator.audit.get(recordId) }
}

it('audit.get returns the record and the signed request', async () => {
  expect(await ask({ record, signed_request: signed })).toEqual({
    paths: [`/v1/operators/${ID}/audit/${RECORD_ID}`],
    evidence: { record, signed_request: signed },
  })
})

it.each([[{ record }], [{ record, signed_request: null }]])(
  'audit.get returns no signed request for a change by the server itself: %j',
  async (answer) => {
    expect((await ask(answer)).evidence).toEqual({ record, signed_request: undefined })
  },
)

it.each([
  [{}],
  [{ record: { ...record, at: 1 } }],
  [{ record, signed_request: { ...signed, signatures: [1] } }],
  [{ record, signed_request: 'x' }],
])('audit.get rejects the answer %j with UNEXPECTED_ANSWER', async (answer) => {
  await expect(ask(answer)).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
})

it.each(['..', '', 'x/y', RECORD_ID.toUpperCase()])('audit.get rejects %j as the id of a record', async (id) => {
  await expect(ask({ record }, id)).rejects.toThrow(TypeError)
})
