import { randomBytes } from 'node:crypto'
import { generateKeyPair, importPublicKey, sign, verify } from '@auth4agent/core/keys/ed25519'

/**
 * Prints what one Ed25519 verification and one signature cost with the server's own engine, microseconds as JSON. Its one
 * argument is how long to measure each, in milliseconds.
 */

const BATCH = 200
const pair = generateKeyPair()
const key = importPublicKey(pair.publicKey)
if (key === undefined) throw new RangeError('a fresh key cannot be loaded')
/** As long as a challenge's message, which is what a token request verifies, and as a token's signing input. */
const [challenge, token] = [randomBytes(320), randomBytes(420)]
const signature = sign(pair.privateKey, challenge)

const verifyUs = microseconds(() => {
  if (!verify(key, challenge, signature)) throw new Error('a good signature was refused')
})
const signUs = microseconds(() => void sign(pair.privateKey, token))
process.stdout.write(JSON.stringify({ verifyUs, signUs }))

/** Processor time of one call, over as many as fit, after as long again to warm up: what else the core does is not its cost. */
function microseconds(call: () => void): number {
  const forMs = Number(process.argv[2])
  const measure = (): number => {
    const until = performance.now() + forMs
    const begin = process.cpuUsage()
    let calls = 0
    do {
      for (let index = 0; index < BATCH; index += 1) call()
      calls += BATCH
    } while (performance.now() < until)
    const { user, system } = process.cpuUsage(begin)
    return (user + system) / calls
  }
  measure()
  return measure()
}
