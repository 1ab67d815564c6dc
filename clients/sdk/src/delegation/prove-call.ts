import { isChain } from '@auth4agent/core/delegation/is-chain'
import { CALL_PROOF_MEMBER, signCallProof } from '@auth4agent/core/delegation/sign-call-proof'
import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { Server } from '../server.ts'
import type { AgentSigner } from '../signer.ts'
import { readHeld } from './held-grant.ts'

/** The holder of the chain, and its clock in Unix seconds. */
interface Caller {
  readonly server: Server
  readonly signer: AgentSigner
  readonly nowS: number
}

/** A request with a token, which may be a chain of grants. */
interface TokenRequest {
  readonly init: RequestInit | undefined
  readonly url: string
  readonly token: string
}

/** The call of a tool in a message of MCP. */
interface ToolCall {
  readonly message: JsonObject
  readonly params: JsonObject
  readonly tool: string
  readonly args: JsonObject
}

/**
 * Adds a call proof to a request with a chain that calls a tool of an MCP server. Any other request stays as it is,
 * and so does the call of a tool that the chain does not have, which the server refuses.
 */
export async function proveCall(
  { server, signer, nowS }: Caller,
  { init, url, token }: TokenRequest,
): Promise<RequestInit | undefined> {
  const call = readCall(init?.body)
  if (call === undefined || !isChain(token)) return init
  const { leaf } = await readHeld(token, server.issuer)
  const { message, params, tool, args } = call
  const address = addressOf(url)
  const capability = capabilityFor([...leaf.capabilities.keys()], tool, address)
  if (capability === undefined) return init
  const proof = await signCallProof(signer, { leaf, capability, address: address.href, args }, nowS)
  const { _meta: meta } = params
  const proven = { ...params, _meta: { ...(isJsonObject(meta) && meta), [CALL_PROOF_MEMBER]: proof } }
  // The body is longer now, and `fetch` refuses a length that is not that of the body.
  const headers = new Headers(init?.headers)
  headers.delete('content-length')
  return { ...init, headers, body: JSON.stringify({ ...message, params: proven }) }
}

function readCall(body: unknown): ToolCall | undefined {
  const message = typeof body === 'string' ? parse(body) : undefined
  if (!isJsonObject(message) || message['method'] !== 'tools/call') return undefined
  const { params } = message
  if (!isJsonObject(params)) return undefined
  const { name: tool, arguments: args = {} } = params
  return typeof tool === 'string' && isJsonObject(args) ? { message, params, tool, args } : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The server knows its own address, which has no fragment. */
function addressOf(url: string): URL {
  const address = new URL(url)
  address.hash = ''
  return address
}

/**
 * Finds the capability for a tool: at the address itself, or at the host of the address, because a server may accept
 * grants for another audience of its own.
 */
function capabilityFor(capabilities: readonly string[], tool: string, address: URL): string | undefined {
  const suffix = `#${tool}`
  const audiences = capabilities
    .map((capability) => [capability, capability.slice(0, capability.indexOf('#'))] as const)
    .filter(([capability, audience]) => capability === audience + suffix)
  const isHere = (audience: string) => URL.canParse(audience) && new URL(audience).href === address.href
  const isNear = (audience: string) =>
    URL.canParse(audience) ? new URL(audience).host === address.host : audience === address.hostname
  return (audiences.find(([, audience]) => isHere(audience)) ?? audiences.find(([, audience]) => isNear(audience)))?.[0]
}
