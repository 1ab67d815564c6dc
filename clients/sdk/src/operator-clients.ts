import { type Answer, readAnswer, type Shape } from './answers.ts'
import type { Caller } from './caller.ts'
import { items, queryOf } from './pages.ts'

const client = {
  client_id: 'text',
  kind: 'text',
  status: 'text',
  name: 'text?',
  put_at: 'text?',
} as const satisfies Shape
/**
 * A client about which an operator has decided. `kind` is `agent` or `url`, `status` is `allowed` or `blocked`. Nobody
 * has verified the `name` of a URL client.
 */
export type OperatorClient = Answer<typeof client>

/**
 * The calls with which an operator says which clients may act for users at its audiences. A client id is the DID of an
 * agent, or the URL of a client ID metadata document.
 *
 * @example
 *
 * ```ts
 * await operator.clients.allow('https://client.example/oauth/client.json')
 * ```
 */
export interface OperatorClients {
  /** Allows a client. The server reads the document of a URL client first, unless the client is allowed already. */
  allow(clientId: string): Promise<OperatorClient>
  /**
   * Blocks a client, also where an audience admits any client. Online verifiers refuse its tokens for users at the
   * operator's audiences as soon as the call ends.
   */
  block(clientId: string): Promise<OperatorClient>
  /** Lists the clients that the operator has allowed or blocked. Requests each page when it is needed. */
  list(): AsyncGenerator<OperatorClient, void, undefined>
}

/** Makes the calls about clients for one operator. */
export function operatorClients(caller: Caller, id: string): OperatorClients {
  const path = `/v1/operators/${id}/clients`
  return {
    allow: async (clientId) => readOne(await caller.call(id, { method: 'PUT', path, body: { client_id: clientId } })),
    block: async (clientId) =>
      readOne(await caller.call(id, { method: 'POST', path: `${path}/block`, body: { client_id: clientId } })),
    list: () => items(caller, id, client, { method: 'GET', path, query: queryOf({}) }, 'clients'),
  }
}

function readOne(answer: unknown): OperatorClient {
  return readAnswer(client, readAnswer({ client: 'any' }, answer).client)
}
