import {
  type DescMethod,
  type DescMethodUnary,
  type DescService,
  fromJson,
  type JsonValue,
  toJson,
} from '@bufbuild/protobuf'
import { Code, ConnectError, type Transport } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { KeysService } from '../../../gen/proto/auth4agent/v1/keys_pb.ts'
import { OperatorRegistryService } from '../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { ErrorInfoSchema } from '../../../gen/proto/google/rpc/error_details_pb.ts'
import type { Json } from '../../support/protocol-client.ts'
import { describeRpcFlow, type RpcCaller, type RpcOutcome } from '../../support/rpc-flow.ts'

const SERVICES: readonly DescService[] = [
  OperatorRegistryService,
  IdentityService,
  AuthnService,
  RevocationService,
  KeysService,
]
const METHODS: ReadonlyMap<string, DescMethod> = new Map(
  SERVICES.flatMap(({ typeName, methods }) => methods.map((method) => [`${typeName}/${method.name}`, method] as const)),
)

describeRpcFlow('a Connect client in JSON', ({ server: { baseUrl } }) =>
  callerOf(createConnectTransport({ baseUrl, httpVersion: '1.1' })),
)
describeRpcFlow('a Connect client in binary', ({ server: { baseUrl } }) =>
  callerOf(createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: true })),
)
describeRpcFlow('a gRPC-Web client', ({ server: { baseUrl } }) =>
  callerOf(createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })),
)

function callerOf(transport: Transport): RpcCaller {
  return {
    async call(name, request, authorization) {
      const method = METHODS.get(name)
      if (!isUnary(method)) throw new Error(`Unknown method ${name}`)
      try {
        return { ok: true, message: await unary(transport, method, request, authorization) }
      } catch (error) {
        return refusal(ConnectError.from(error))
      }
    },
    close: () => undefined,
  }
}

const isUnary = (method: DescMethod | undefined): method is DescMethodUnary => method?.methodKind === 'unary'

async function unary(
  transport: Transport,
  method: DescMethodUnary,
  request: Json,
  authorization: string | undefined,
): Promise<Json> {
  const headers = authorization === undefined ? {} : { authorization }
  const { message } = await transport.unary(
    method,
    undefined,
    undefined,
    headers,
    fromJson(method.input, request as JsonValue),
  )
  return toJson(method.output, message, { alwaysEmitImplicit: true }) as Json
}

/** Turns Connect's name of a status code, which differs from gRPC's only in case, into gRPC's name. */
function refusal(error: ConnectError): RpcOutcome {
  const [info] = error.findDetails(ErrorInfoSchema)
  const code = (Code[error.code] ?? '').replaceAll(/(?<=[a-z])[A-Z]/g, '_$&').toUpperCase()
  return { ok: false, code, reason: info?.reason }
}
