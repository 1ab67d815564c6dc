import { CALL_PROOF_MEMBER } from '@auth4agent/core/delegation/sign-call-proof'
import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import type { WantedOfChain } from './chain-wanted.ts'
import { VerificationError } from './errors.ts'

/** Methods whose requests have no message in the body (MCP, Streamable HTTP). */
const WITHOUT_MESSAGE: ReadonlySet<unknown> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])
const UNREAD =
  'with a chain, the body must be one JSON-RPC message, which middleware before protect has read, such as express.json()'

/**
 * Reads the call of a tool in a request with a chain of grants, from the parsed body, on which the tool acts too.
 * Other messages have no arguments to which constraints apply, so they need a capability without constraints.
 *
 * Throws VerificationError if the call is not known: for a body that is not read, and for several messages in one
 * body, because a proof is for one call.
 */
export function readMcpCall(
  { method, body }: { readonly method?: string | undefined; readonly body?: unknown },
  address: string,
): Pick<WantedOfChain, 'arguments' | 'toolCall'> {
  if (WITHOUT_MESSAGE.has(method)) return {}
  if (!isJsonObject(body) || body['jsonrpc'] !== '2.0') throw unknownCall(UNREAD)
  if (body['method'] !== 'tools/call') return {}
  const { params } = body
  const { name: tool, arguments: args = {}, _meta: meta } = isJsonObject(params) ? params : {}
  if (typeof tool !== 'string') throw unknownCall('tools/call must have the name of a tool')
  if (!isJsonObject(args)) throw unknownCall('the arguments of a tool must be an object')
  const proof = isJsonObject(meta) ? meta[CALL_PROOF_MEMBER] : undefined
  return { arguments: () => args, toolCall: { tool, address, proof } }
}

function unknownCall(detail: string): VerificationError {
  return new VerificationError('ARGUMENTS_NEEDED', { detail })
}
