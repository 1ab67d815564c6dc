import { createHash } from 'node:crypto'
import type { DescMethod, JsonObject } from '@bufbuild/protobuf'
import { callersOf } from '../cases/callers.ts'
import type { HttpAnswer } from './http.ts'
import { sendHttp } from './http.ts'
import { assertionOf } from './refusal.ts'
import { restRequest } from './rest-request.ts'
import type { World } from './world.ts'

/** Sends a request over REST, with an assertion of acme or of the administrator if the call needs one. */
export async function sendExample(world: World, method: DescMethod, request: JsonObject): Promise<HttpAnswer> {
  const sent = restRequest(method, request)
  return sendHttp(world.server.baseUrl, { ...sent, headers: { ...sent.headers, ...authorized(world, method, sent) } })
}

/** Returns the header with the assertion of the caller. */
function authorized(world: World, method: DescMethod, { verb, path, body }: ReturnType<typeof restRequest>) {
  const callers = callersOf(method)
  if (callers === 'anyone') return {}
  const signer = callers === 'admin' ? world.admin : world.operators.acme
  const digest = createHash('sha256')
    .update(body ?? '')
    .digest('base64url')
  return { authorization: assertionOf(signer, `${verb} ${path.replace(/\?.*/, '')}`, { claims: { body: digest } }) }
}
