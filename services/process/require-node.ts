/**
 * Ends the process on a Node below `engines.node` of package.json, because such a Node accepts some forged Ed25519
 * signatures under small-order keys. `main.ts` imports it first, only for this effect.
 */
import { refusalOf } from './node-version.mjs'

const refusal = refusalOf(process.versions.node)
if (refusal !== undefined) {
  process.stderr.write(`${refusal}\n`)
  process.exit(1)
}
