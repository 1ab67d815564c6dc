import { toJson } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { ErrorInfoSchema } from '../../../gen/proto/google/rpc/error_details_pb.ts'
import type { Json } from '../../support/protocol-client.ts'
import type { Outcome } from '../history/history.ts'
import type { Request } from './requests.ts'

/** The addresses of a server, and its name in the history. */
export interface Endpoint {
  readonly name: string
  /** `http://127.0.0.1:port` */
  readonly baseUrl: string
  /** `127.0.0.1:port` */
  readonly grpcAddress: string
}

/** The result of a call. The body has REST's field names, if there is an answer. */
export interface Reply {
  readonly outcome: Outcome
  readonly body?: Json
}

/**
 * Calls one server in one way. A call never throws. If the result of a call is not known, its outcome is `unknown`.
 */
export interface Caller {
  /** The name of the endpoint. */
  readonly at: string
  call(request: Request, requestId: string): Promise<Reply>
}

/** After this time without an answer the outcome is unknown, in milliseconds. */
const PATIENCE_MS = 4_000

/** Creates a caller that uses REST. */
export function restCaller({ name, baseUrl }: Endpoint): Caller {
  return {
    at: name,
    async call({ rest: { method, path, body }, by }, requestId) {
      const headers = {
        'content-type': 'application/json',
        'x-request-id': requestId,
        ...(by && { authorization: by.assert(`${method} ${path}`) }),
      }
      try {
        const signal = AbortSignal.timeout(PATIENCE_MS)
        const response = await fetch(`${baseUrl}${path}`, { method, headers, body: JSON.stringify(body), signal })
        const answer = (await response.json()) as Json
        if (response.ok) return { outcome: { kind: 'ok' }, body: answer }
        const reason = String(answer['reason'])
        if (response.status < 500) return { outcome: { kind: 'refused', reason } }
        return { outcome: { kind: 'unknown', why: `${response.status} ${reason}` } }
      } catch (error) {
        return { outcome: { kind: 'unknown', why: String(error) } }
      }
    },
  }
}

/** gRPC codes of errors whose cause is the server and not the request. */
const FAULTS = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Internal,
  Code.Unknown,
  Code.Canceled,
  Code.Aborted,
])

/** Creates a caller that uses gRPC. */
export function grpcCaller({ name, grpcAddress }: Endpoint): Caller {
  const transport = createGrpcTransport({ baseUrl: `http://${grpcAddress}` })
  return {
    at: name,
    async call({ method, message, by }, requestId) {
      const header = {
        'x-request-id': requestId,
        ...(by && { authorization: by.assert(`${method.parent.typeName}/${method.name}`) }),
      }
      try {
        const { message: answer } = await transport.unary(method, undefined, PATIENCE_MS, header, message)
        return {
          outcome: { kind: 'ok' },
          body: toJson(method.output, answer, { useProtoFieldName: true, alwaysEmitImplicit: true }) as Json,
        }
      } catch (error) {
        return { outcome: outcomeOf(ConnectError.from(error)) }
      }
    },
  }
}

function outcomeOf(error: ConnectError): Outcome {
  const reason = error.findDetails(ErrorInfoSchema)[0]?.reason ?? Code[error.code]
  if (FAULTS.has(error.code)) return { kind: 'unknown', why: `${Code[error.code]} ${reason}: ${error.rawMessage}` }
  return { kind: 'refused', reason }
}
