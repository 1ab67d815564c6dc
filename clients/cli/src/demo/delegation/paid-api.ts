import type { IncomingMessage, ServerResponse } from 'node:http'
import { createVerifier, type VerifierOptions } from '@auth4agent/verifier'
import { type McpRequest, protect } from '@auth4agent/verifier/mcp'
import { listen, type ProtectedApi } from '../protected-api.ts'

/** The scope that each call needs. All calls are POST, with an amount in the body. */
export const PAID_CALLS = { '/payments': 'pay', '/refunds': 'refund' } as const

/** Longest body that the API reads, in bytes. */
const MAX_BODY = 1_024

/**
 * Starts an API that accepts chains of grants, and access tokens for them. It receives revocations from the server.
 * The promise resolves when it listens.
 */
export async function startPaidApi(options: VerifierOptions & { readonly audience: string }): Promise<ProtectedApi> {
  const verifier = createVerifier(options)
  return listen(verifier, (publicUrl) => {
    // This middleware needs no framework. It also serves the metadata of the API.
    const guardOf = (scope: string) =>
      protect(verifier, {
        resource: options.audience,
        publicUrl,
        scope,
        delegation: 'accept',
        arguments: ({ body }) => ({ amount: amountIn(body) }),
      })
    const guards = new Map(Object.entries(PAID_CALLS).map(([path, scope]) => [path, guardOf(scope)]))
    return (request, response) => void serve(guards.get(request.url ?? ''), request, response)
  })
}

async function serve(
  guard: ReturnType<typeof protect> | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request)
  const asked: McpRequest = Object.assign(request, { body })
  if (guard === undefined || request.method !== 'POST') return answer(response, 404, { error: 'not found' })
  await guard(asked, response, (error) => {
    if (error !== undefined) return answer(response, 500, { error: 'internal' })
    const { delegation, claims } = asked.auth?.extra ?? {}
    const { principal, actor } = delegation ?? { principal: claims?.sub, actor: claims?.client_id }
    answer(response, 200, { amount: amountIn(body), principal, actor })
  })
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) if (text.length < MAX_BODY) text += String(chunk)
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function amountIn(body: unknown): number | undefined {
  const { amount } = Object(body)
  return typeof amount === 'number' ? amount : undefined
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
