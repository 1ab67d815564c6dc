import { randomBytes } from 'node:crypto'
import { generateKeyPair, importPublicKey, sign, verify } from '@auth4agent/core/keys/ed25519'

/**
 * Prints the cost of one Ed25519 verification and one signature with the server's own engine, in microseconds as JSON.
 * Its only argument is how long it measures each of the two, in milliseconds.
 */

const BATCH = 200
const pair = generateKeyPair()
const key = importPublicKey(pair.publicKey)
if (key === undefined) throw new RangeError('The engine could not load a fresh key')
/** Sizes of real messages: a challenge's message, which a token request verifies, and a token's signing input. */
const [challenge, token] = [randomBytes(320), randomBytes(420)]
const signature = sign(pair.privateKey, challenge)

const verifyUs = microseconds(() => {
  if (!verify(key, challenge, signature)) throw new Error('The engine refused a valid signature')
})
const signUs = microseconds(() => void sign(pair.privateKey, token))
process.stdout.write(JSON.stringify({ verifyUs, signUs }))

/**
 * Returns the processor time of one call in microseconds, measured after a warm-up of the same length. Processor time
 * does not include other work on the core.
 */
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
