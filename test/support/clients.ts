import { create } from '@bufbuild/protobuf'
import {
  BlockClientRequestSchema,
  ListClientsRequestSchema,
  PutClientRequestSchema,
} from '../../gen/proto/auth4agent/v1/people_pb.ts'
import type { PeopleOptions } from '../../services/people/config.ts'
import { OutboundError } from '../../services/platform/outbound/outbound-error.ts'
import { asOperator, type TestOperator } from './identity.ts'
import { peopleFixture } from './people.ts'

/** Returns the document of a URL client. */
export const documentOf = (clientId: string, more: object = {}) => ({
  client_id: clientId,
  client_name: 'Example',
  redirect_uris: ['http://127.0.0.1/callback', 'https://client.example/callback'],
  ...more,
})

/** The people part, whose outbound requests find the documents that a test has put. */
export async function clientsFixture() {
  const documents = new Map<string, object>()
  const asked: string[] = []
  const get: PeopleOptions['clientOutbound']['get'] = async (url) => {
    asked.push(url)
    const document = documents.get(url)
    if (document === undefined) throw new OutboundError('STATUS', 'not found', 404)
    const body = Buffer.from(JSON.stringify(document))
    return { mediaType: 'application/json', body, maxAgeS: undefined, date: undefined }
  }
  const fixture = await peopleFixture({ get, close: async () => undefined })
  const { handlers } = fixture
  return {
    ...fixture,
    documents,
    asked,
    /** Returns the calls of an operator about clients, each with a new assertion. */
    clientCallsOf: (operator: TestOperator) => ({
      allow: async (clientId: string, call = asOperator(operator)) =>
        (await handlers.putClient(create(PutClientRequestSchema, { id: operator.id, clientId }), call)).client,
      block: async (clientId: string) =>
        (
          await handlers.blockClient(
            create(BlockClientRequestSchema, { id: operator.id, clientId }),
            asOperator(operator),
          )
        ).client,
      list: (pageSize = 0, pageToken = '') =>
        handlers.listClients(
          create(ListClientsRequestSchema, { id: operator.id, pageSize, pageToken }),
          asOperator(operator),
        ),
    }),
  }
}
