import { execFileSync } from 'node:child_process'

/**
 * Runs the openssl program with arguments separated by spaces and this input. Returns its output. Throws Error if it
 * fails.
 */
export function openssl(args: string, input: string | Uint8Array = ''): string {
  return execFileSync('openssl', args.split(' '), { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
}

/** Creates a private key as PEM of PKCS #8. Algorithm and options have the names of `openssl genpkey`. */
export function opensslKey(algorithm: string, ...options: readonly string[]): string {
  return openssl(['genpkey -algorithm', algorithm, ...options.map((option) => `-pkeyopt ${option}`)].join(' '))
}
