import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { create, type Message } from '@bufbuild/protobuf'
import {
  GetJsonWebKeySetRequestSchema,
  type GetJsonWebKeySetResponse,
  KeysService,
} from '../../../gen/proto/auth4agent/v1/keys_pb.ts'
import { methodName } from '../../calls/method-name.ts'
import { EMPTY_BODY } from '../../calls/request-body.ts'
import type { Answer, Route } from '../../http-port/exchange.ts'
import { CROSS_ORIGIN_HEADERS } from '../../http-port/security-headers.ts'
import { cacheHeaders, hasAlready } from '../cache-headers.ts'
import type { GatewayContext } from '../gateway-context.ts'
import { compileFieldWriter } from '../rest/json-writer.ts'
import { fieldOf } from '../rest/path-template.ts'
import { authorizationServerMetadata } from './authorization-server.ts'
import { discoveryDocument } from './discovery.ts'
import { ssfConfiguration } from './ssf-configuration.ts'

/** The time in seconds for which clients may cache the discovery documents. */
const DISCOVERY_MAX_AGE_S = 300

/**
 * Returns the paths of a well-known document: alone, followed by the issuer's path (RFC 8414 section 3.1), and
 * preceded by the issuer's path.
 */
function wellKnownPaths(name: string, basePath: string): string[] {
  const document = `/.well-known/${name}`
  return [...new Set([document, `${document}${basePath}`, `${basePath}${document}`])]
}

/** Makes the routes of the discovery documents and the JWKS. Scripts of any origin may read them. */
export function wellKnownRoutes(context: GatewayContext): readonly Route[] {
  const readDiscovery = documentHandler(discoveryDocument(context.config))
  const readMetadata = documentHandler(authorizationServerMetadata(context.config))
  const readKeys = keySetHandler(context)
  const routes = (name: string, handle: Route['handle']): Route[] =>
    wellKnownPaths(name, context.basePath).map((path) => ({ verb: 'GET', path, isCrossOrigin: true, handle }))
  return [
    ...routes('auth4agent', readDiscovery),
    ...routes('oauth-authorization-server', readMetadata),
    // Some libraries look only there.
    ...routes('openid-configuration', readMetadata),
    ...routes('jwks.json', readKeys),
    ...routes('ssf-configuration', documentHandler(ssfConfiguration(context.config))),
  ]
}

function documentHandler(document: string): Route['handle'] {
  const tag = entityTag(document)
  return async ({ request }) => cacheable(request, document, tag, DISCOVERY_MAX_AGE_S)
}

function keySetHandler({ rpc }: GatewayContext): Route['handle'] {
  const method = KeysService.method.getJsonWebKeySet
  const writeKeys = compileFieldWriter(fieldOf(method.output, 'keys'))
  return async ({ request, caller }) => {
    const output: Message = await rpc.invoke(method, () => create(GetJsonWebKeySetRequestSchema), {
      ...caller,
      authorization: undefined,
      rpc: methodName(method),
      body: EMPTY_BODY,
    })
    const body = `{"keys":${writeKeys(output)}}`
    return cacheable(request, body, entityTag(body), (output as GetJsonWebKeySetResponse).maxAgeSeconds)
  }
}

/** Answers with a document that may be cached, or with 304 if the caller has it already (RFC 9110 section 13.1.2). */
export function cacheable({ headers }: IncomingMessage, body: string, tag: string, maxAgeS: number): Answer {
  const common = { ...CROSS_ORIGIN_HEADERS, ...cacheHeaders({ tag, maxAgeS }) }
  if (hasAlready(headers, tag)) return { status: 304, headers: common, body: '' }
  return { status: 200, headers: { ...common, 'content-type': 'application/json' }, body }
}

/** Returns the entity tag of a document. */
export function entityTag(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url')}"`
}
