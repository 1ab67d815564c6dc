import { isIPv4, isIPv6 } from 'node:net'
import { experimental, status } from '@grpc/grpc-js'

type Target = experimental.GrpcUri

/** The scheme of targets that are lists of addresses. */
const SCHEME = 'auth4agent'

/**
 * The target of a channel to one service at all its addresses, each `host:port` or `unix:/path`. Connections go to all of
 * them; what is a name in DNS stands for all that it resolves to, and is asked for again when a connection ends.
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

/** grpc-js wants a class. It puts together what the resolvers of the single addresses, which are its own, find. */
class ListResolver implements experimental.Resolver {
  readonly #listener: experimental.ResolverListener
  readonly #resolvers: readonly experimental.Resolver[]
  readonly #found = new Map<number, readonly experimental.Endpoint[]>()
  #told: string | undefined

  constructor({ path }: Target, listener: experimental.ResolverListener, options: object) {
    this.#listener = listener
    this.#resolvers = path.split(',').map((address, index) => {
      const onResult: experimental.ResolverListener = (result) => {
        // A name that cannot be looked up now stands for what it stood for.
        this.#found.set(index, result.ok ? result.value : (this.#found.get(index) ?? []))
        return this.#tell()
      }
      return experimental.createResolver(singleTarget(address), onResult, options)
    })
  }

  /** What the server calls itself in its certificate. */
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
    // The same again would only make the connections anew.
    if (isWaiting || text === this.#told) return true
    this.#told = text
    const result = endpoints.length === 0 ? NOTHING : { ok: true as const, value: endpoints }
    return this.#listener(result, {}, null, '')
  }
}

const NOTHING: experimental.StatusOr<experimental.Endpoint[]> = experimental.statusOrFromError({
  code: status.UNAVAILABLE,
  details: 'none of the addresses can be looked up',
})

function singleTarget(address: string): Target {
  if (address.startsWith('unix:')) return { scheme: 'unix', authority: '', path: address.slice('unix:/'.length) }
  const host = address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  if (isIPv4(host)) return { scheme: 'ipv4', path: address }
  return isIPv6(host) ? { scheme: 'ipv6', path: address } : { scheme: 'dns', path: address }
}
