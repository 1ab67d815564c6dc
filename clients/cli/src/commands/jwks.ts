import { createPublicKey } from 'node:crypto'
import { type PublishedJwk, readJwkSet } from '@auth4agent/core/jose/jwk-set'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import { chooseServer } from '../parties.ts'
import { indented } from '../text.ts'
import { transportTo } from '../transport.ts'

/** Prints the public keys of the server. */
export const jwks = defineCommand({
  help: [
    'Prints the public keys by which tokens of the server are verified: the JWK Set as it is published.',
    '--pem prints them in PEM (SubjectPublicKeyInfo), each under a comment with its kid and algorithm, for programs that read no JWK.',
  ],
  examples: [
    { does: 'the key set', line: 'auth4agent jwks' },
    { does: 'in PEM, into a file', line: 'auth4agent jwks --pem > keys.pem' },
  ],
  flags: { ...serverFlags, pem: { kind: 'boolean', help: 'in PEM' } },
  async run(context) {
    const { flags, fetch, signal, progress, answer } = context
    const { server } = await chooseServer(context)
    const asked = transportTo(server, fetch)({ method: 'GET', path: '/.well-known/jwks.json', signal })
    const set = await progress(`asking ${server}`, asked)
    const published = readJwkSet(set)
    if (published === undefined) {
      throw new CliError(`${server} answered with no key set`, { reason: 'UNEXPECTED_ANSWER', exit: 'refused' })
    }
    if (!flags.on('pem')) return answer(set, indented(set), indented(set))
    const keys = published.map((key) => ({ kid: key.kid, alg: key.alg, pem: toPem(key) }))
    const text = keys.map(({ kid, alg, pem }) => `# kid: ${kid} alg: ${alg}\n${pem}`).join('\n')
    answer({ keys }, text, text)
  },
})

/** RFC 7468 section 13. */
function toPem({ kid, jwk }: PublishedJwk): string {
  try {
    return String(createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({ format: 'pem', type: 'spki' })).trimEnd()
  } catch {
    throw new CliError(`the key ${kid} is no public key`, { reason: 'UNEXPECTED_ANSWER', exit: 'refused' })
  }
}
