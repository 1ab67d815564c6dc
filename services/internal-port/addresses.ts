import { isIPv4, isIPv6 } from 'node:net'
import { experimental, status } from '@grpc/grpc-js'

type Target = experimental.GrpcUri

/** The scheme of a target that is a list of addresses. */
const SCHEME = 'auth4agent'

/**
 * Returns the channel target of a service with all its addresses, each `host:port` or `unix:/path`. The channel
 * connects to all addresses. A DNS name stands for all its addresses, and is looked up again when a connection ends.
 */
export function targetOf(service: string, addresses: readonly string[]): string {
  registerOnce()
  return `${SCHEME}://${service}/${addresses.join(',')}`
}

let isRegistered = false

function registerOnce(): void {
  if (isRegistered) return
  isRegistered = true
  experimental.registerResolver(SCHEME, ListResolver)
}

/**
 * Resolves a list of addresses. It uses a resolver of grpc-js for each address. It is a class because grpc-js requires
 * a class.
 */
class ListResolver implements experimental.Resolver {
  readonly #listener: experimental.ResolverListener
  readonly #resolvers: readonly experimental.Resolver[]
  readonly #found = new Map<number, readonly experimental.Endpoint[]>()
  #told: string | undefined

  constructor({ path }: Target, listener: experimental.ResolverListener, options: object) {
    this.#listener = listener
    this.#resolvers = path.split(',').map((address, index) => {
      const onResult: experimental.ResolverListener = (result) => {
        // If a lookup fails, the last known addresses of the name are used.
        this.#found.set(index, result.ok ? result.value : (this.#found.get(index) ?? []))
        return this.#tell()
      }
      return experimental.createResolver(singleTarget(address), onResult, options)
    })
  }

  /** Returns the name that the server's certificate must have. */
  static getDefaultAuthority({ authority = '' }: Target): string {
    return authority
  }

  updateResolution(): void {
    for (const resolver of this.#resolvers) resolver.updateResolution()
  }

  destroy(): void {
    for (const resolver of this.#resolvers) resolver.destroy()
    this.#found.clear()
    this.#told = undefined
  }

  #tell(): boolean {
    const endpoints = [...this.#found.values()].flat()
    const text = JSON.stringify(endpoints)
    const isWaiting = endpoints.length === 0 && this.#found.size < this.#resolvers.length
    // Does not report the same list again, because grpc-js would replace all connections.
    if (isWaiting || text === this.#told) return true
    this.#told = text
    const result = endpoints.length === 0 ? NOTHING : { ok: true as const, value: endpoints }
    return this.#listener(result, {}, null, '')
  }
}

const NOTHING: experimental.StatusOr<experimental.Endpoint[]> = experimental.statusOrFromError({
  code: status.UNAVAILABLE,
  details: 'None of the addresses can be looked up',
})

function singleTarget(address: string): Target {
  if (address.startsWith('unix:')) return { scheme: 'unix', authority: '', path: address.slice('unix:/'.length) }
  const host = address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  if (isIPv4(host)) return { scheme: 'ipv4', path: address }
  return isIPv6(host) ? { scheme: 'ipv6', path: address } : { scheme: 'dns', path: address }
}
