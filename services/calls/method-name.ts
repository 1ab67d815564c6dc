import type { DescMethod } from '@bufbuild/protobuf'

/** Returns the full name of a method, `package.Service/Method`. Assertions use it over gRPC and Connect. */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`
}
