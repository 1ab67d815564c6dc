/** The oldest Node that the clients run on: the first of its line whose `require` loads ES modules. */
const OLDEST_NODE = '20.19.0'

/** Whether version `actual` (`24.19.0`) is at least `minimum`. A pre-release counts as its release. */
export function isAtLeast(actual: string, minimum: string): boolean {
  const [a, b] = [parts(actual), parts(minimum)]
  const firstDifference = b.map((part, index) => (a[index] ?? 0) - part).find((difference) => difference !== 0)
  return (firstDifference ?? 0) >= 0
}

/** Throws Error on a Node that is too old for a client. Elsewhere, as in browsers, it does nothing. */
export function expectNode(client: string): void {
  const { process }: { process?: { versions?: { node?: string } } } = globalThis
  const actual = process?.versions?.node
  if (actual !== undefined && !isAtLeast(actual, OLDEST_NODE)) {
    throw new Error(`${client} needs Node ${OLDEST_NODE} or newer, and this is Node ${actual}`)
  }
}

const parts = (version: string): number[] => version.split('.').map((part) => Number.parseInt(part, 10))
