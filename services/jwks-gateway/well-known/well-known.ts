import { createHash } from 'node:crypto'
import { create, type Message } from '@bufbuild/protobuf'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  GetJsonWebKeySetRequestSchema,
  type GetJsonWebKeySetResponse,
  KeysService,
} from '../../../gen/proto/auth4agent/v1/keys_pb.ts'
import { methodName } from '../../chain/method-name.ts'
import type { GatewayContext } from '../gateway-context.ts'
import { compileFieldWriter } from '../rest/json-writer.ts'
import { fieldOf } from '../rest/path-template.ts'
import { CROSS_ORIGIN_HEADERS } from '../security-headers.ts'
import { discoveryDocument } from './discovery.ts'

/** Seconds for which the discovery document may be kept. */
const DISCOVERY_MAX_AGE_S = 300

/** Where a well-known document stands: at the root, before the issuer's path (RFC 8414 section 3.1) and after it. */
export function wellKnownPaths(name: string, basePath: string): string[] {
  const document = `/.well-known/${name}`
  return [...new Set([document, `${document}${basePath}`, `${basePath}${document}`])]
}

/** Adds the discovery document and the key set. */
export function addWellKnownRoutes(server: FastifyInstance, context: GatewayContext): void {
  const discovery = discoveryDocument(context.config)
  const discoveryTag = entityTag(discovery)
  for (const path of wellKnownPaths('auth4agent', context.basePath)) {
    server.get(path, async (request, reply) =>
      sendCacheable(request, reply, discovery, discoveryTag, DISCOVERY_MAX_AGE_S),
    )
  }
  const keySet = keySetHandler(context)
  for (const path of wellKnownPaths('jwks.json', context.basePath)) server.get(path, keySet)
}

function keySetHandler({ rpc, callerOf }: GatewayContext) {
  const method = KeysService.method.getJsonWebKeySet
  const writeKeys = compileFieldWriter(fieldOf(method.output, 'keys'))
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const output: Message = await rpc.invoke(method, () => create(GetJsonWebKeySetRequestSchema), {
      ...callerOf(request.raw),
      authorization: undefined,
      rpc: methodName(method),
    })
    const body = `{"keys":${writeKeys(output)}}`
    return sendCacheable(request, reply, body, entityTag(body), (output as GetJsonWebKeySetResponse).maxAgeSeconds)
  }
}

/** Answers a document that may be kept for a while, or 304 when the caller has it (RFC 9110 section 13.1.2). */
function sendCacheable(
  request: FastifyRequest,
  reply: FastifyReply,
  body: string,
  tag: string,
  maxAgeS: number,
): Buffer {
  reply.headers({ ...CROSS_ORIGIN_HEADERS, etag: tag, 'cache-control': `public, max-age=${maxAgeS}` })
  if (isKnown(request.headers['if-none-match'], tag)) {
    reply.code(304)
    return Buffer.alloc(0)
  }
  reply.header('content-type', 'application/json')
  return Buffer.from(body)
}

function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((each) => ['*', tag].includes(each.trim().replace(/^W\//, '')))
}

function entityTag(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url')}"`
}
