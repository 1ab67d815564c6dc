import { AsyncLocalStorage } from 'node:async_hooks'
import type { Rpc } from '../calls/rpc.ts'

const scope = new AsyncLocalStorage<string>()

/** Runs work for a request, so that calls to other processes carry the request id. */
export function inRequest<T>(requestId: string, work: () => T): T {
  return scope.run(requestId, work)
}

/** Returns the id of the request that is being answered, or undefined outside a request. */
export function currentRequestId(): string | undefined {
  return scope.getStore()
}

/** Wraps an Rpc so that each call is answered inside the scope of its request. */
export function withRequestScope(rpc: Rpc): Rpc {
  return {
    ...rpc,
    invoke: (method, read, meta) => inRequest(meta.requestId, () => rpc.invoke(method, read, meta)),
    subscribe: (method, read, meta, signal) => ({
      [Symbol.asyncIterator]() {
        const messages = rpc.subscribe(method, read, meta, signal)[Symbol.asyncIterator]()
        return {
          next: () => inRequest(meta.requestId, () => messages.next()),
          return: async () => (await messages.return?.()) ?? { done: true, value: undefined },
        }
      },
    }),
  }
}
