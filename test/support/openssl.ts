import { execFileSync } from 'node:child_process'

/** What the openssl program writes, given arguments separated by spaces and what it reads. Throws Error when it fails. */
export function openssl(args: string, input: string | Uint8Array = ''): string {
  return execFileSync('openssl', args.split(' '), { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
}

/** A new private key as PEM of PKCS #8, of an algorithm and with options as `openssl genpkey` names them. */
export function opensslKey(algorithm: string, ...options: readonly string[]): string {
  return openssl(['genpkey -algorithm', algorithm, ...options.map((option) => `-pkeyopt ${option}`)].join(' '))
}
