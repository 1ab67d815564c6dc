import type { Route } from '../http-port/exchange.ts'
import { problemOf } from '../http-port/problem.ts'
import { createHttpPort, type HttpPort } from '../http-port/server.ts'
import { operationRoutes } from '../operations/routes.ts'
import { authzRoutes } from './authz/routes.ts'
import { connectOnFirstCall } from './connect/connect-on-first-call.ts'
import { federationProblem } from './federation/federation-problem.ts'
import { createContext, type GatewayContext, type GatewayDeps, underIssuer } from './gateway-context.ts'
import { oauthProblem } from './oauth/oauth-problem.ts'
import { registrationRoutes } from './oauth/registration-route.ts'
import { openApiRoutes } from './openapi/routes.ts'
import { frontPageRoutes } from './pages/front-page.ts'
import { passkeyPageRoutes } from './pages/people/passkey-page.ts'
import { signInPageRoutes } from './pages/people/routes.ts'
import { trustPageRoutes } from './pages/trust/route.ts'
import { eventProblem } from './provider-signals/event-problem.ts'
import { providerSignalRoutes } from './provider-signals/routes.ts'
import { restBindings } from './rest/rest-bindings.ts'
import { restRoutes } from './rest/rest-routes.ts'
import { wellKnownRoutes } from './well-known/well-known.ts'

/**
 * Makes the HTTP port. It serves REST (from the bindings in the proto files), the well-known documents, the
 * pages, the probes, Connect and gRPC-Web. Throws Error if REST cannot serve a binding.
 */
export function createGateway(deps: GatewayDeps): HttpPort {
  const closing = new AbortController()
  const context = createContext(deps, closing.signal)
  const isBelow = (...folders: readonly string[]) => {
    const prefixes = folders.flatMap((folder) => underIssuer(context, folder))
    return (path: string) => prefixes.some((prefix) => path.startsWith(prefix))
  }
  const isOAuth = isBelow('/oauth/')
  const isSignal = isBelow('/people/providers/')
  const isFederation = isBelow('/federation/', '/.well-known/openid-federation')
  const port = createHttpPort({
    ...deps,
    routes: [...gatewayRoutes(context), ...signInPageRoutes(context), ...providerSignalRoutes(context)],
    mount: connectOnFirstCall(context),
    problemWriter(path) {
      if (isFederation(path)) return federationProblem
      if (isSignal(path) && !path.endsWith('/logout')) return eventProblem
      return isOAuth(path) || isSignal(path) ? oauthProblem(path) : problemOf
    },
  })
  return {
    ...port,
    async close() {
      // Ends all streams at once. Their readers can resume at another process.
      closing.abort()
      await port.close()
    },
  }
}

/**
 * Returns the routes of the HTTP port that the OpenAPI document describes: all, but the pages of sign-ins, which only
 * browsers can use, and the places to which identity providers send signals.
 */
export function gatewayRoutes(context: GatewayContext): readonly Route[] {
  return [
    ...restBindings(context.rpc.services).flatMap((binding) => restRoutes(context, binding)),
    ...authzRoutes(context),
    ...wellKnownRoutes(context),
    ...openApiRoutes(context),
    ...registrationRoutes(context),
    ...frontPageRoutes(context),
    ...trustPageRoutes(context),
    ...passkeyPageRoutes(context),
    ...operationRoutes(context, context.basePath),
  ]
}
