import { join } from 'node:path'
import { Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

const PROTO = join(import.meta.dirname, '../../../proto')

/** A header in an answer, as Envoy's protos name its parts. */
interface SetHeader {
  readonly header: { readonly key: string; readonly value: string }
  readonly append_action: string
}

/** An answer of Check, as proto-loader reads it. */
export interface Checked {
  /** A code of 0 is left out. */
  readonly status?: { readonly code?: number; readonly message: string }
  readonly ok_response?: { readonly headers: readonly SetHeader[]; readonly headers_to_remove: readonly string[] }
  readonly denied_response?: { readonly status: { readonly code: string }; readonly headers: readonly SetHeader[] }
  readonly error_response?: unknown
  readonly dynamic_metadata: unknown
}

/** What a test cares about in an answer. */
export interface Outcome {
  /** The HTTP status for the client; undefined if the request passes. */
  readonly status: number | undefined
  readonly reason: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly removed: readonly string[]
  readonly metadata: unknown
}

const STATUS: Readonly<Record<string, number>> = { Unauthorized: 401, Forbidden: 403, ServiceUnavailable: 503 }

/** Creates a client of Envoy's Authorization service, from Envoy's own proto files, as Envoy calls it. */
export function checkClient(address: string) {
  const definition = loadSync('envoy/service/auth/v3/external_auth.proto', {
    includeDirs: [PROTO],
    keepCase: true,
    enums: String,
    defaults: false,
    arrays: true,
    longs: Number,
  })
  // The library gives the classes of a proto file no types.
  const { envoy } = loadPackageDefinition(definition) as unknown as {
    envoy: { service: { auth: { v3: { Authorization: ServiceClientConstructor } } } }
  }
  const client: Client = new envoy.service.auth.v3.Authorization(address, credentials.createInsecure())
  const stub: (request: object, done: (error: Error | null, answer: Checked) => void) => void = Reflect.get(
    client,
    'Check',
  )
  const check = (request: object): Promise<Checked> => {
    const { promise, resolve, reject } = Promise.withResolvers<Checked>()
    stub.call(client, request, (error, answer) => (error === null ? resolve(answer) : reject(error)))
    return promise
  }
  return { check, outcome: async (request: object) => outcomeOf(await check(request)), close: () => client.close() }
}

/** Returns what an Envoy does with an answer. */
function outcomeOf(answer: Checked): Outcome {
  const { ok_response: ok, denied_response: denied, status } = answer
  if (((status?.code ?? 0) === 0) !== (ok !== undefined))
    throw new Error('An answer must pass in both of its parts, or in none')
  const headers = Object.fromEntries((ok ?? denied)?.headers.map(({ header }) => [header.key, header.value]) ?? [])
  return {
    status: ok === undefined ? (STATUS[denied?.status.code ?? ''] ?? 0) : undefined,
    reason: headers['x-auth4agent-reason'],
    headers,
    removed: ok?.headers_to_remove ?? [],
    metadata: answer.dynamic_metadata,
  }
}
