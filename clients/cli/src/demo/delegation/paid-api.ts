import type { IncomingMessage, ServerResponse } from 'node:http'
import { createVerifier, VerificationError, type Verifier, type VerifierOptions } from '@auth4agent/verifier'
import { listen, type ProtectedApi } from '../protected-api.ts'

/** The scope that each call needs. All calls are POST, with an amount in the body. */
export const PAID_CALLS = { '/payments': 'pay', '/refunds': 'refund' } as const

/** Longest body that the API reads, in bytes. */
const MAX_BODY = 1_024
/** Refusals of a call that other arguments or another grant would allow (RFC 6750 section 3.1). */
const NOT_ENOUGH: ReadonlySet<string> = new Set(['CAPABILITY_MISSING', 'ARGUMENT_REFUSED', 'ARGUMENTS_NEEDED'])

/** Options of startPaidApi. */
interface PaidApiOptions extends VerifierOptions {
  readonly audience: string
  /** The domains whose agents may act for others, and that of the principal. */
  readonly actors: readonly string[]
}

/**
 * Starts an API that accepts chains of grants, and delegated tokens. It receives revocations from the server.
 * The promise resolves when it listens.
 */
export async function startPaidApi({ actors, ...options }: PaidApiOptions): Promise<ProtectedApi> {
  const verifier = createVerifier(options)
  const scopes = new Map<string, string>(Object.entries(PAID_CALLS))
  return listen(verifier, (publicUrl) => async (request, response) => {
    const body = await readBody(request)
    const scope = scopes.get(request.url ?? '')
    if (scope === undefined || request.method !== 'POST') return answer(response, 404, { error: 'not found' })
    const amount = amountIn(body)
    try {
      const { principal, actor } = await verify(verifier, request, { publicUrl, scope, amount, actors })
      answer(response, 200, { amount, principal, actor })
    } catch (error) {
      if (!(error instanceof VerificationError)) return answer(response, 500, { error: 'internal' })
      const { reason, message: title } = error
      answer(response, NOT_ENOUGH.has(reason) ? 403 : 401, { reason, title })
    }
  })
}

interface PaidCall {
  readonly publicUrl: string
  readonly scope: string
  readonly amount: number | undefined
  readonly actors: readonly string[]
}

/** Verifies the chain or token of a request with the proof of its sender, for exactly this amount. */
function verify(
  verifier: Verifier,
  { headers, url = '' }: IncomingMessage,
  { publicUrl, scope, amount, actors }: PaidCall,
) {
  const text = /^DPoP (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
  const proof = String(headers['dpop'] ?? '')
  return verifier.verifyDelegated(text, {
    scope,
    actors,
    dpop: { proof, method: 'POST', url: publicUrl + url },
    arguments: () => ({ amount }),
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
