import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { parseScopeString } from '@auth4agent/core/token/scope'
import type { Verifier } from './create-verifier.ts'
import type { Delegation } from './delegation.ts'
import { createGuard, type Granted, GUARD_NAMES, type GuardOptions, type Refused } from './guard.ts'
import { readMcpCall } from './mcp-call.ts'
import { credentialsOf, type NodeRequest } from './presented.ts'
import { WELL_KNOWN } from './public-address.ts'
import { answerAt, METADATA_NAMES, type MetadataAnswer, type MetadataOptions } from './resource-metadata.ts'
import type { VerifiedClaims } from './verified-claims.ts'

/** Options of `protect` for an MCP server (Model Context Protocol) as a protected resource (RFC 9728). */
export interface McpOptions
  extends Omit<GuardOptions<McpRequest>, 'resourceMetadata' | 'delegation' | 'arguments'>,
    Omit<MetadataOptions, 'dpop'> {
  /** The address of the MCP endpoint, as clients know it. A token may name it in `aud`. */
  readonly resource: string
  /** The scopes that the metadata names for clients, separated by spaces. By default, the value of `scope`. */
  readonly scopesSupported?: string
  /**
   * 'accept' also accepts chains of grants, whose sender acts for another agent. It needs `scope`, and middleware
   * before `protect` that reads the body, such as `express.json()`. A call of a tool with a chain also needs a call
   * proof, and grants with the capability `<resource>#<name of the tool>`, whose constraints the arguments fit.
   * Delegated tokens are accepted too. A call of a tool with one also needs that capability, but no call proof: its
   * DPoP proof names the URL, but not the tool and the arguments. The default, 'refuse', answers both with
   * DELEGATION_NOT_ACCEPTED.
   */
  readonly delegation?: 'refuse' | 'accept'
}

/** The `AuthInfo` of the MCP SDK. Its transports pass `request.auth` to the tools. */
export interface McpAuth {
  readonly token: string
  /** The DID of the agent that sent the request. With delegation, it acts for `extra.delegation.principal`. */
  readonly clientId: string
  /**
   * The scopes of the token. With delegated authority, only those that it has for the resource, and that it allows
   * without constraints there or at another audience of `protect`.
   */
  readonly scopes: string[]
  /** Unix seconds. */
  readonly expiresAt: number
  /** The MCP endpoint, if the token names it in `aud`. */
  readonly resource?: URL
  /** One of both: `claims` of an access token, or who acts for whom according to a chain or delegated token. */
  readonly extra: { readonly claims?: VerifiedClaims; readonly delegation?: Delegation }
}

/** A request to an MCP server. `body` is there if middleware before `protect` has read it, as chains need. */
export interface McpRequest extends NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** The target of the request in Express, where routers change `url`. */
  readonly originalUrl?: string | undefined
  readonly body?: unknown
  auth?: McpAuth
}

interface McpResponse {
  writeHead(status: number, headers: Record<string, string>): { end(body: string): unknown }
}

type Middleware = (request: McpRequest, response: McpResponse, next: (error?: unknown) => void) => Promise<void>

const { resourceMetadata: _resourceMetadata, arguments: _arguments, ...PROTECT_NAMES } = GUARD_NAMES
const NAMES: Names<McpOptions> = { ...PROTECT_NAMES, ...METADATA_NAMES }

/**
 * Returns middleware for an MCP server over Streamable HTTP, in the form of Express. It serves the resource's metadata
 * (RFC 9728), which names the issuer as authorization server, and accepts requests with a valid token. Its refusals
 * name the address of the metadata. Tools get the claims as `authInfo.extra.claims`, or who acts for whom as
 * `authInfo.extra.delegation`.
 *
 * Throws TypeError for invalid and for unknown options.
 *
 * @example
 *
 * ```ts
 * import { protect } from '@auth4agent/verifier/mcp'
 * import express from 'express'
 *
 * const app = express()
 * app.use(protect(verifier, { resource: 'https://api.example.com/mcp', scope: 'orders:read' }))
 * ```
 */
export function protect(verifier: Verifier, options: McpOptions): Middleware {
  refuseUnknownNames('option', options, NAMES)
  const {
    scopesSupported = options.scope ?? '',
    resourceName: _name,
    resourceDocumentation: _page,
    ...guarded
  } = options
  // Older MCP clients look for the metadata only at the well-known path without the path of the endpoint.
  const metadata = answerAt([WELL_KNOWN], verifier.settings, { ...options, scopesSupported })
  const guard = createGuard(verifier, guarded, (request: McpRequest) => readMcpCall(request, options.resource))
  return async (request, response, next) => {
    const { method = '', url = '', originalUrl: target = url } = request
    let answer: Granted | Refused | MetadataAnswer
    try {
      answer =
        metadata(method, target) ?? (await guard({ ...credentialsOf(request), request, method, target }, request))
    } catch (error) {
      // Express 4 ignores a rejected promise, so the error is passed to `next`.
      next(error)
      return
    }
    if ('claims' in answer) {
      request.auth = toAuth(answer, options.resource)
      next()
    } else response.writeHead(answer.status, { ...answer.headers }).end(answer.body)
  }
}

function toAuth({ claims, delegation, token }: Granted, resource: string): McpAuth {
  if (delegation !== undefined) return ofDelegation(delegation, token, resource)
  return {
    token,
    clientId: claims.client_id,
    scopes: parseScopeString(claims.effectiveScope) ?? [],
    expiresAt: claims.exp,
    ...(claims.aud.includes(resource) && { resource: new URL(resource) }),
    extra: { claims },
  }
}

/** Names only scopes without constraints: a tool that looks at nothing but a scope would exceed the others. */
function ofDelegation(delegation: Delegation, token: string, resource: string): McpAuth {
  const { actor, capabilities, chain } = delegation
  const scopes = capabilities
    .filter((capability) => capability.startsWith(`${resource}#`))
    .map((capability) => capability.slice(resource.length + 1))
  return {
    token,
    clientId: actor,
    scopes: scopes.filter((scope) => delegation.allows(scope)),
    expiresAt: Math.min(...chain.map(({ expires }) => expires)),
    ...(scopes.length > 0 && { resource: new URL(resource) }),
    extra: { delegation },
  }
}
