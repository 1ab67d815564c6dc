/**
 * Imported first by the composition root, for its effect: a Node below package.json's `engines.node` ends the process,
 * because it accepts some forged Ed25519 signatures under small-order keys.
 */
import { readFileSync } from 'node:fs'
import { isAtLeast } from '@auth4agent/core/platform/node-version'

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
