import {
  create,
  type DescFile,
  type DescService,
  type Message,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { status } from '@grpc/grpc-js'
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponseSchema,
} from '../../gen/proto/grpc/reflection/v1/reflection_pb.ts'
import { Health } from '../../gen/proto/health/v1/health_pb.ts'
import { type ContractIndex, indexContract, withImports } from './contract-index.ts'
import type { PortMethod } from './port-method.ts'

type Asked = ServerReflectionRequest['messageRequest']
type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>

/**
 * Returns the path and the method of each version of server reflection: v1 and v1alpha, which have the same messages.
 * The methods show only the proto files of `services` and of health, with the files that these import.
 */
export function reflectionMethods(services: readonly DescService[]): readonly (readonly [string, PortMethod])[] {
  const method = ServerReflection.method.serverReflectionInfo
  let index: ContractIndex | undefined
  const answer = (message: Message): Message => {
    index ??= indexContract([...services, Health])
    const request = message as ServerReflectionRequest
    const messageResponse = find(index, request.messageRequest)
    return create(method.output, { validHost: request.host, originalRequest: request, messageResponse })
  }
  return ['v1', 'v1alpha'].map((version) => [
    `/grpc.reflection.${version}.${ServerReflection.name}/${method.name}`,
    { kind: 'dialogue', method, isChained: false, answer },
  ])
}

function find({ services, files, symbols, extensions }: ContractIndex, asked: Asked): Answer {
  switch (asked.case) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: services.map((name) => ({ name })) } }
    case 'fileByFilename':
      return fileAnswer(files.get(asked.value), asked.value)
    case 'fileContainingSymbol':
      return fileAnswer(symbols.get(asked.value), asked.value)
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = asked.value
      return fileAnswer(extensions.get(containingType)?.get(extensionNumber), `${containingType} ${extensionNumber}`)
    }
    case 'allExtensionNumbersOfType': {
      const numbers = extensions.get(asked.value)
      if (numbers === undefined) return notFound(asked.value)
      const value = { baseTypeName: asked.value, extensionNumber: [...numbers.keys()] }
      return { case: 'allExtensionNumbersResponse', value }
    }
    case undefined:
    default:
      return failure(status.UNIMPLEMENTED, 'The request must set message_request')
  }
}

function fileAnswer(file: DescFile | undefined, asked: string): Answer {
  if (file === undefined) return notFound(asked)
  const fileDescriptorProto = [...withImports(file)].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto))
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } }
}

function notFound(asked: string): Answer {
  return failure(status.NOT_FOUND, `Unknown name ${JSON.stringify(asked.slice(0, 200))}`)
}

function failure(errorCode: status, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } }
}
