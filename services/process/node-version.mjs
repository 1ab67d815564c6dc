/** Decides which Node may run the server. It is plain JavaScript, because `bootstrap.mjs` runs it on any Node. */
import { readFileSync } from 'node:fs'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const minimum = manifest.engines.node.replace(/^>=/, '')

const parts = (version) => version.split('.').map((part) => Number.parseInt(part, 10))

/** Returns whether version `actual` (`24.19.0`) is at least `least`. A pre-release counts as its release. */
export function isAtLeast(actual, least) {
  const [a, b] = [parts(actual), parts(least)]
  const firstDifference = b.map((part, index) => (a[index] ?? 0) - part).find((difference) => difference !== 0)
  return (firstDifference ?? 0) >= 0
}

/** Returns why a Node of this version must not run the server, or undefined if it may. */
export function refusalOf(version) {
  if (isAtLeast(version, minimum)) return undefined
  return (
    `Auth4Agent needs Node ${minimum} or newer, but this is Node ${version}, which accepts some forged Ed25519 ` +
    'signatures: install a current Node 24 from https://nodejs.org and run the command again'
  )
}
