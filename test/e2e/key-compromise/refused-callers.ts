import type { Asserter } from '../../support/parties.ts'
import { type Json, outcomeOf, type ProtocolClient } from '../../support/protocol-client.ts'
import type { RpcCaller } from '../../support/rpc-flow.ts'

/** One of the administrator's calls, in the form of REST and of gRPC. */
interface AdminCall {
  readonly name: string
  readonly request: Json
  /** The body of the REST request. The other fields of the request are in the path. */
  readonly body?: Json
  readonly http: 'GET' | 'POST'
  readonly path: string
}

/** Returns all calls that change or list the keys. If a caller were allowed, each change would do harm. */
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

/** Makes a call over REST, and returns its outcome. */
export async function overRest(
  client: ProtocolClient,
  { body, http, path }: AdminCall,
  by: Asserter | undefined,
): Promise<string> {
  return outcomeOf(await client.send(http, path, body && JSON.stringify(body), by?.assert(`${http} ${path}`)))
}

/** Makes a call over gRPC, and returns its outcome. */
export async function overGrpc(
  stubs: RpcCaller,
  { name, request }: AdminCall,
  by: Asserter | undefined,
): Promise<string> {
  const method = `auth4agent.v1.KeysService/${name}`
  const outcome = await stubs.call(method, request, by?.assert(method))
  return outcome.ok ? 'OK' : `${outcome.code} ${outcome.reason}`
}
