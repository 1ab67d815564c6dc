import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { parseScopeString } from '@auth4agent/core/token/scope'
import { authorizationOf, type NodeRequest } from './authorization.ts'
import type { Verifier } from './create-verifier.ts'
import { createGuard, type Granted, type GuardOptions, type Refused } from './guard.ts'
import { WANTED_NAMES } from './wanted.ts'

/** A server of the Model Context Protocol, as a protected resource (RFC 9728). */
export interface McpOptions extends Omit<GuardOptions, 'resourceMetadata'> {
  /** Where clients reach it: the address of its endpoint, as they are told it and as tokens may have it in `aud`. */
  readonly resource: string
  /** What to ask an operator for, separated by spaces; the scope that is wanted unless told. */
  readonly scopesSupported?: string
  readonly resourceName?: string
}

/** As `AuthInfo` of the MCP SDK, whose transports hand `request.auth` to the tools. */
export interface McpAuth {
  readonly token: string
  readonly clientId: string
  readonly scopes: string[]
  /** Unix seconds. */
  readonly expiresAt: number
  readonly resource: URL
  readonly extra: { readonly claims: Granted['claims'] }
}

interface McpRequest extends NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  auth?: McpAuth
}

interface McpResponse {
  writeHead(status: number, headers: Record<string, string>): { end(body: string): unknown }
}

type Middleware = (request: McpRequest, response: McpResponse, next: (error?: unknown) => void) => Promise<void>

const NAMES: Names<McpOptions> = { ...WANTED_NAMES, resource: true, scopesSupported: true, resourceName: true }
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/**
 * Middleware of Express or Connect's kind in front of an MCP server over Streamable HTTP: it serves the resource's metadata, and lets
 * requests with a good token pass; others are told where that metadata is. The metadata names no authorization server, because clients
 * would look for its metadata (RFC 8414), and the issuer has none. Throws TypeError for a resource that is none, and for unknown options.
 */
export function protect(verifier: Verifier, options: McpOptions): Middleware {
  refuseUnknownNames('option', options, NAMES)
  const { resource, scopesSupported = options.scope ?? '', resourceName, ...wanted } = options
  const { origin, pathname, search } = new URL(resource)
  if (resource.includes('#')) throw new TypeError('the address of a resource has no fragment')
  const path = pathname === '/' ? '' : pathname
  const guard = createGuard(verifier, { ...wanted, resourceMetadata: `${origin}${WELL_KNOWN}${path}${search}` })
  const scopes = parseScopeString(scopesSupported)
  if (scopes === undefined)
    throw new TypeError(`no scopes that a token could have are ${JSON.stringify(scopesSupported)}`)
  const metadata = JSON.stringify({
    resource,
    scopes_supported: scopes,
    bearer_methods_supported: ['header'],
    ...(resourceName !== undefined && { resource_name: resourceName }),
  })
  return async (request, response, next) => {
    const [asked = ''] = (request.url ?? '').split('?')
    if (request.method === 'GET' && (asked === WELL_KNOWN || asked === WELL_KNOWN + path)) {
      response.writeHead(200, METADATA_HEADERS).end(metadata)
      return
    }
    let answer: Granted | Refused
    try {
      answer = await guard(authorizationOf(request))
    } catch (error) {
      // Express 4 does not see that a promise rejects.
      next(error)
      return
    }
    if ('claims' in answer) {
      request.auth = toAuth(answer, resource)
      next()
    } else response.writeHead(answer.status, { ...answer.headers }).end(answer.body)
  }
}

/** Clients in browsers read it too. */
const METADATA_HEADERS = {
  'content-type': 'application/json',
  'cache-control': 'public, max-age=300',
  'access-control-allow-origin': '*',
}

function toAuth({ claims, token }: Granted, resource: string): McpAuth {
  return {
    token,
    clientId: claims.client_id,
    scopes: parseScopeString(claims.scope) ?? [],
    expiresAt: claims.exp,
    resource: new URL(resource),
    extra: { claims },
  }
}
