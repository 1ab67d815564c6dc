/**
 * Imported first by the composition root, for its effect: a Node below package.json's `engines.node` ends the process,
 * because it accepts some forged Ed25519 signatures under small-order keys.
 */
import { readFileSync } from 'node:fs'

/** Whether version `actual` (`24.19.0`) is at least `minimum`. A pre-release counts as its release. */
export function isAtLeast(actual: string, minimum: string): boolean {
  const [a, b] = [parts(actual), parts(minimum)]
  const firstDifference = b.map((part, index) => (a[index] ?? 0) - part).find((difference) => difference !== 0)
  return (firstDifference ?? 0) >= 0
}

const parts = (version: string): number[] => version.split('.').map((part) => Number.parseInt(part, 10))

const manifest: { engines: { node: string } } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
)
const minimum = manifest.engines.node.replace(/^>=/, '')

if (!isAtLeast(process.versions.node, minimum)) {
  process.stderr.write(
    `Auth4Agent needs Node ${minimum} or newer and this is ${process.versions.node}, which accepts some forged ` +
      'Ed25519 signatures: install a current Node 24 from https://nodejs.org.\n',
  )
  process.exit(1)
}
