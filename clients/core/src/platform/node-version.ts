/** The oldest Node that the clients support: the first 20.x whose `require` loads ES modules. */
const OLDEST_NODE = '20.19.0'

/**
 * Tells whether version `actual` (`24.19.0`) is at least `minimum`. A pre-release counts as its release.
 *
 * @example
 * ```ts
 * import { isAtLeast } from '@auth4agent/core/platform/node-version'
 *
 * isAtLeast('24.19.0', '20.19.0') // true
 * ```
 */
export function isAtLeast(actual: string, minimum: string): boolean {
  const [a, b] = [parts(actual), parts(minimum)]
  const firstDifference = b.map((part, index) => (a[index] ?? 0) - part).find((difference) => difference !== 0)
  return (firstDifference ?? 0) >= 0
}

/**
 * Throws Error if Node is too old for a client. On other platforms, such as browsers, it does nothing.
 *
 * @example
 * ```ts
 * import { expectNode } from '@auth4agent/core/platform/node-version'
 *
 * expectNode('@auth4agent/sdk')
 * ```
 */
export function expectNode(client: string): void {
  const { process }: { process?: { versions?: { node?: string } } } = globalThis
  const actual = process?.versions?.node
  if (actual !== undefined && !isAtLeast(actual, OLDEST_NODE)) {
    throw new Error(`${client} needs Node ${OLDEST_NODE} or newer, and this is Node ${actual}`)
  }
}

const parts = (version: string): number[] => version.split('.').map((part) => Number.parseInt(part, 10))
