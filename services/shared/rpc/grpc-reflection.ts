import { type DescFile, type DescService, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import type { Server } from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'
import { service as healthService } from 'grpc-health-check'

/**
 * Adds server reflection, v1 and v1alpha: the files of these services with all they import, and of health. What other files
 * declare cannot be reached by it.
 */
export function addReflection(server: Server, services: readonly DescService[]): void {
  const files = new Map<string, Buffer>()
  for (const { file } of services) collect(file, files)
  const definition = {
    // Of the kinds of definition, reflection reads the files alone; an enum's is the one that needs nothing else.
    format: 'Protocol Buffer 3 EnumDescriptorProto' as const,
    type: {},
    fileDescriptorProtos: [...files.values(), ...healthFiles()],
  }
  new ReflectionService({ auth4agent: definition }).addToServer(server)
}

function collect(file: DescFile, files: Map<string, Buffer>): void {
  const name = file.proto.name
  if (files.has(name)) return
  files.set(name, Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)))
  for (const dependency of file.dependencies) collect(dependency, files)
}

/** proto-loader keeps a service's descriptors with each of its message types. */
function healthFiles(): readonly Buffer[] {
  const [method] = Object.values(healthService)
  return method?.requestType.fileDescriptorProtos ?? []
}
