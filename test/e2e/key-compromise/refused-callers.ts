import type { Asserter } from '../../support/parties.ts'
import { type Json, outcomeOf, type ProtocolClient } from '../../support/protocol-client.ts'
import type { RpcCaller } from '../../support/rpc-flow.ts'

/** One of the administrator's calls, on each wire. */
interface AdminCall {
  readonly name: string
  readonly request: Json
  /** What REST has in the body; the path has the rest. */
  readonly body?: Json
  readonly http: 'GET' | 'POST'
  readonly path: string
}

/** All calls that govern the keys, as they would do harm. */
export function adminCalls(kid: string, privateKey: string): readonly AdminCall[] {
  const key = { key: privateKey }
  const force = { force: true }
  return [
    { name: 'ListSigningKeys', request: {}, http: 'GET', path: '/v1/keys' },
    { name: 'RotateSigningKeys', request: {}, body: {}, http: 'POST', path: '/v1/keys/rotate' },
    {
      name: 'MarkKeyCompromised',
      request: { kid, ...force },
      body: force,
      http: 'POST',
      path: `/v1/keys/${kid}/compromise`,
    },
    { name: 'ImportSigningKey', request: key, body: key, http: 'POST', path: '/v1/keys/import' },
  ]
}

/** How a call is answered over REST. */
export async function overRest(
  client: ProtocolClient,
  { body, http, path }: AdminCall,
  by: Asserter | undefined,
): Promise<string> {
  return outcomeOf(await client.send(http, path, body && JSON.stringify(body), by?.assert(`${http} ${path}`)))
}

/** How a call is answered over gRPC. */
export async function overGrpc(
  stubs: RpcCaller,
  { name, request }: AdminCall,
  by: Asserter | undefined,
): Promise<string> {
  const method = `auth4agent.v1.KeysService/${name}`
  const outcome = await stubs.call(method, request, by?.assert(method))
  return outcome.ok ? 'OK' : `${outcome.code} ${outcome.reason}`
}
