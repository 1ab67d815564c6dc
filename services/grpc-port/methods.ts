import type { DescMethod } from '@bufbuild/protobuf'
import { methodName } from '../calls/method-name.ts'
import { createPlaces } from '../calls/request-limit.ts'
import type { Rpc } from '../calls/rpc.ts'
import { createBound } from '../platform/limits/bound.ts'
import { type Health, healthMethods } from './health.ts'
import type { PortMethod } from './port-method.ts'
import { reflectionMethods } from './reflection.ts'

/** The most open streams of health's Watch, and of reflection. One source may have half of them. */
const MAX_LASTING_STREAMS = 64

/** Returns the methods of the port by their paths: the public methods, health and reflection. */
export function methodsOf(rpc: Rpc, health: Health): ReadonlyMap<unknown, PortMethod> {
  const publicMethods = rpc.services
    .flatMap(({ methods }) => methods)
    .map((method) => [`/${methodName(method)}`, publicMethod(rpc, method)] as const)
  const standard = [...healthMethods(health), ...reflectionMethods(rpc.services)]
  return new Map<unknown, PortMethod>([
    ...publicMethods,
    ...standard.map(([path, method]) => [path, withPlaces(method)] as const),
  ])
}

function publicMethod(rpc: Rpc, method: DescMethod): PortMethod {
  const places = createPlaces(method)
  return method.methodKind === 'server_streaming'
    ? {
        kind: 'stream',
        method,
        isChained: true,
        answer: (read, meta, signal) => rpc.subscribe(method, read, meta, signal),
      }
    : {
        kind: 'unary',
        method,
        isChained: true,
        ...(places !== undefined && { places }),
        answer: (read, meta) => rpc.invoke(method, read, meta),
      }
}

function withPlaces(method: PortMethod): PortMethod {
  if (method.kind === 'unary') return method
  return { ...method, places: createBound(MAX_LASTING_STREAMS, MAX_LASTING_STREAMS / 2) }
}
