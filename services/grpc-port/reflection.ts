import { createRequire } from 'node:module'
import { type DescFile, type DescService, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import type { Server } from '@grpc/grpc-js'
import { loadHealth } from './health.ts'
import { addOnFirstCall } from './on-first-call.ts'

const METHODS = ['v1', 'v1alpha'].map((version) => ({
  path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
  requestStream: true,
  responseStream: true,
}))

const require = createRequire(import.meta.url)

/**
 * Adds server reflection, v1 and v1alpha: the files of these services with all they import, and of health. What other files
 * declare cannot be reached by it.
 */
export function addReflection(server: Server, services: readonly DescService[]): void {
  addOnFirstCall(server, METHODS, (real) => addLoaded(real, services))
}

function addLoaded(server: Server, services: readonly DescService[]): void {
  const { ReflectionService }: typeof import('@grpc/reflection') = require('@grpc/reflection')
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
  const [method] = Object.values(loadHealth().service)
  return method?.requestType.fileDescriptorProtos ?? []
}
