import { type ProvenCall, signCallProof } from '@auth4agent/core/delegation/sign-call-proof'
import type { DpopContent } from '@auth4agent/core/dpop/sign-dpop-proof'
import type { VerifierOptions } from '@auth4agent/verifier'
import { type McpOptions, type McpRequest, protect } from '@auth4agent/verifier/mcp'
import { grantIssuer, type Holder, idsOf, newHolder } from './chains.ts'

/** An MCP server whose tool `pay` may be called with at most 100, and `refund` with anything. */
export const MCP = 'https://b.example/mcp'
export const MCP_TOOLS = {
  [`${MCP}#read`]: {},
  [`${MCP}#pay`]: { amount: { constraint_type: 'range', max: 100 } },
  [`${MCP}#refund`]: {},
}

/** A message that an MCP client sends. */
export function callOf(tool: string, args: unknown, meta?: object): object {
  return { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args, _meta: meta } }
}

/** How a test changes a request. */
export interface McpWish {
  readonly holder?: Holder
  readonly chain?: string
  readonly method?: string
  readonly dpop?: Partial<DpopContent>
  /** Used instead of `authorization: DPoP <chain>`. */
  readonly authorization?: string
}

/**
 * Makes an MCP server and a chain from a principal to an actor. `ask` resolves with VALID or with status and reason.
 */
export async function setUpMcp(options: Partial<McpOptions> = {}, ofVerifier: Partial<VerifierOptions> = {}) {
  const made = grantIssuer()
  const [principal, actor] = [newHolder(), newHolder()]
  const root = await made.rootFor(principal, { tools: MCP_TOOLS })
  const chain = await made.handOn(root, principal, actor, { tools: MCP_TOOLS })
  const verifier = made.issuer.newVerifier(ofVerifier)
  const guard = protect(verifier, { resource: MCP, scope: 'read', delegation: 'accept', ...options })
  const requestOf = async (body: unknown, wish: McpWish = {}): Promise<McpRequest> => {
    const { holder = actor, chain: text = chain, method = 'POST', authorization = `DPoP ${text}` } = wish
    const dpop = await holder.prove(text, { method, url: MCP, ...wish.dpop })
    return { method, url: '/mcp', headers: { authorization, dpop }, rawHeaders: [], body }
  }
  const judge = async (request: McpRequest) => {
    let answer: readonly string[] = []
    const response = {
      writeHead: (status: number) => ({
        end(body: string) {
          const { reason, title } = JSON.parse(body)
          answer = [String(status), String(reason), String(title)]
        },
      }),
    }
    await guard(request, response, (error) => {
      answer = [error === undefined ? 'VALID' : 'an error was passed on']
    })
    return answer
  }
  const ask = async (body: unknown, wish?: McpWish) => {
    const [status, reason] = await judge(await requestOf(body, wish))
    return reason === undefined ? status : `${status} ${reason}`
  }
  const proofOf = (tool: string, args: object, edits: Partial<ProvenCall> = {}, holder = actor) =>
    signCallProof(holder.signer, { ...provenCall(chain, tool, args), ...edits }, Date.now() / 1_000)
  /** Returns the message of a call with a good proof. */
  const proven = async (tool: string, args: object, edits?: Partial<ProvenCall>, holder?: Holder) =>
    callOf(tool, args, { 'auth4agent/aat_pop': await proofOf(tool, args, edits, holder) })
  return { ...made, verifier, principal, actor, root, chain, requestOf, judge, ask, proofOf, proven }
}

/** Returns the call of a tool with a chain. */
export function provenCall(chain: string, tool: string, args: object): ProvenCall {
  const [, payload = ''] = chain.slice(chain.lastIndexOf('~') + 1).split('.')
  const { jti } = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const leaf = { jti: String(jti), id: idsOf(chain).at(-1) ?? '' }
  return { leaf, capability: `${MCP}#${tool}`, address: MCP, args: { ...args } }
}
