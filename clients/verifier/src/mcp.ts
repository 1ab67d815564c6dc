import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { parseScopeString } from '@auth4agent/core/token/scope'
import { authorizationOf, type NodeRequest } from './authorization.ts'
import type { Verifier } from './create-verifier.ts'
import { createGuard, type Granted, type GuardOptions, type Refused } from './guard.ts'
import { WANTED_NAMES } from './wanted.ts'

/** Options of `protect` for an MCP server (Model Context Protocol) as a protected resource (RFC 9728). */
export interface McpOptions extends Omit<GuardOptions, 'resourceMetadata'> {
  /** The address of the MCP endpoint, as clients know it and as tokens may name it in `aud`. */
  readonly resource: string
  /** The scopes that the metadata names for clients, separated by spaces. By default, the value of `scope`. */
  readonly scopesSupported?: string
  readonly resourceName?: string
}

/** The `AuthInfo` of the MCP SDK. Its transports pass `request.auth` to the tools. */
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
 * Returns middleware for an MCP server over Streamable HTTP, in the form of Express. It serves the resource's metadata
 * (RFC 9728) and accepts requests with a valid token. Its refusals name the address of the metadata. Tools get the
 * claims as `authInfo.extra.claims`.
 *
 * The metadata names no authorization server: clients would look for that server's own metadata (RFC 8414), and the
 * issuer has none.
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
  const { resource, scopesSupported = options.scope ?? '', resourceName, ...wanted } = options
  const { origin, pathname, search } = new URL(resource)
  if (resource.includes('#')) throw new TypeError('resource must be an address without a fragment')
  const path = pathname === '/' ? '' : pathname
  const guard = createGuard(verifier, { ...wanted, resourceMetadata: `${origin}${WELL_KNOWN}${path}${search}` })
  const scopes = parseScopeString(scopesSupported)
  if (scopes === undefined)
    throw new TypeError(
      `scopesSupported must be scope-tokens with spaces between, not ${JSON.stringify(scopesSupported)}`,
    )
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
      // Express 4 ignores a rejected promise, so the error is passed to `next`.
      next(error)
      return
    }
    if ('claims' in answer) {
      request.auth = toAuth(answer, resource)
      next()
    } else response.writeHead(answer.status, { ...answer.headers }).end(answer.body)
  }
}

/** Scripts of any origin may read the metadata, because clients also run in browsers. */
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
