import type { DescMethod } from '@bufbuild/protobuf'

/** A method's full name, `package.Service/Method`: what an assertion names over gRPC and Connect. */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`
}
