import type { Json } from '../../support/protocol-client.ts'
import { expectStatus } from '../../support/story.ts'

/** Sends requests to one server as if they came from one source address. */
export interface Source {
  /** Sends a request. Returns the status and the body. */
  send(method: string, path: string, body?: unknown, authorization?: string): Promise<{ status: number; body: Json }>
  /** Sends a request that must answer 200 or 201. Returns the body. */
  expect(method: string, path: string, body?: unknown, authorization?: string): Promise<Json>
}

/** Creates a source. The server must trust loopback as a proxy. */
export function sourceAt(baseUrl: string, address: string): Source {
  const send: Source['send'] = async (method, path, body, authorization) => {
    const answer = await fetch(baseUrl + path, {
      method,
      headers: {
        'x-forwarded-for': address,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(authorization !== undefined && { authorization }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as Json }
  }
  return {
    send,
    async expect(...request) {
      const { status, body } = await send(...request)
      return expectStatus(status === 201 ? 201 : 200, { status, body, headers: new Headers() })
    },
  }
}
