/**
 * Imported first by the composition root, for its effect: a Node below package.json's `engines.node` ends the process,
 * because it accepts some forged Ed25519 signatures under small-order keys.
 */
import { refusalOf } from './node-version.mjs'

const refusal = refusalOf(process.versions.node)
if (refusal !== undefined) {
  process.stderr.write(`${refusal}\n`)
  process.exit(1)
}
