import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { lookAround, pinned, SERVER_CORE } from '../machine.ts'

/**
 * `npm run bench:verifier`: measures the cost of the verifier library for each token, and compares it with `jose` and
 * a bare `crypto.verify`. It prints the medians of all rounds and does not check them. `BENCH_ROUNDS` and
 * `BENCH_TOKENS` set how long it runs.
 */

const ROUNDS = process.env['BENCH_ROUNDS'] ?? '31'
const TOKENS = process.env['BENCH_TOKENS'] ?? '2000'

/** The cost of one verification in microseconds. */
interface Figures {
  readonly engine: string
  readonly bare: number
  readonly jose: number
  readonly fresh: number
  readonly seen: number
  readonly sharedOwn: number
  readonly sharedForeign: number
  readonly proven: number
  readonly chain: number
  readonly chainSeen: number
  readonly longChain: number
}

const run = promisify(execFile)
const machine = await lookAround()

async function measure(preload: readonly string[]): Promise<Figures> {
  const program = join(import.meta.dirname, 'program.ts')
  const [command, args] = pinned(machine, SERVER_CORE, [process.execPath, ...preload, program, ROUNDS, TOKENS])
  const { stdout } = await run(command, args)
  return JSON.parse(stdout)
}

function print({ engine, bare, ...figures }: Figures): void {
  const line = (name: string, us: number) =>
    process.stdout.write(`${name.padEnd(44)}${us.toFixed(2).padStart(8)} µs ${(us / bare).toFixed(3).padStart(8)} x\n`)
  process.stdout.write(
    `\nEd25519 by ${engine}; medians of ${ROUNDS} rounds of ${TOKENS} tokens; ratios to crypto.verify alone\n`,
  )
  line('only crypto.verify (node:crypto)', bare)
  line('jose, jwtVerify with a local JWKS', figures.jose)
  line('the verifier, a new token', figures.fresh)
  line('the verifier, a token seen before', figures.seen)
  line('a verifier of two issuers, its own token', figures.sharedOwn)
  line('the same, a token of the other issuer', figures.sharedForeign)
  line('a token seen before with a new DPoP proof', figures.proven)
  line('a chain of 3 hops seen before, a new proof', figures.chainSeen)
  line('a new chain of 3 hops, 7 checks and a proof', figures.chain)
  line('a new chain of 8 hops, 17 checks and a proof', figures.longChain)
}

print(await measure([]))
print(await measure(['--import', join(import.meta.dirname, 'without-sodium.ts')]))
