import { create } from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthListResponse,
  Health as HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../gen/proto/health/v1/health_pb.ts'
import { methodName } from '../calls/method-name.ts'
import { StandardStatus } from '../platform/errors/grpc-status.ts'
import type { PortMethod } from './port-method.ts'

/** The health of a server and its services (grpc.health.v1). */
export interface Health {
  /** Sets the health of the server and of all its services. At first, the health is NOT_SERVING. */
  setServing(isServing: boolean): void
  /** Returns the health of a service. Throws NOT_FOUND for an unknown service. */
  check(request: HealthCheckRequest): HealthCheckResponse
  list(): HealthListResponse
  /** Yields the current health of a service, and the new health after each change, until the signal aborts. */
  watch(request: HealthCheckRequest, signal: AbortSignal): AsyncIterable<HealthCheckResponse>
}

const { check, list, watch } = HealthService.method

/** Makes the health of these services, and of the server, whose name is empty. */
export function createHealth(services: readonly string[]): Health {
  const names = new Set(['', ...services])
  const waiting = new Set<() => void>()
  let now: ServingStatus = ServingStatus.NOT_SERVING
  const change = async (signal: AbortSignal): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.add(resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    waiting.delete(resolve)
  }
  return {
    setServing(isServing) {
      now = isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING
      for (const resolve of waiting) resolve()
    },
    check({ service }) {
      if (!names.has(service)) {
        throw new StandardStatus(status.NOT_FOUND, `Unknown service ${JSON.stringify(service.slice(0, 100))}`)
      }
      return create(check.output, { status: now })
    },
    list: () =>
      create(list.output, { statuses: Object.fromEntries([...names].map((name) => [name, { status: now }])) }),
    async *watch({ service }, signal) {
      let told: ServingStatus | undefined
      for (;;) {
        const current = names.has(service) ? now : ServingStatus.SERVICE_UNKNOWN
        if (current !== told) {
          told = current
          yield create(watch.output, { status: current })
        } else if (signal.aborted) return
        else await change(signal)
      }
    },
  }
}

/** Returns the methods of health by their paths. */
export function healthMethods(health: Health): readonly (readonly [path: string, PortMethod])[] {
  const methods: readonly PortMethod[] = [
    {
      kind: 'unary',
      method: check,
      isChained: false,
      answer: async (read) => health.check(read() as HealthCheckRequest),
    },
    {
      kind: 'unary',
      method: list,
      isChained: false,
      async answer(read) {
        read()
        return health.list()
      },
    },
    {
      kind: 'stream',
      method: watch,
      isChained: false,
      async *answer(read, _meta, signal) {
        yield* health.watch(read() as HealthCheckRequest, signal)
      },
    },
  ]
  return methods.map((each) => [`/${methodName(each.method)}`, each])
}
