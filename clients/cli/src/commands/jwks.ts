import { createPublicKey } from 'node:crypto'
import { type PublishedJwk, readJwkSet } from '@auth4agent/core/jose/jwk-set'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import { chooseServer } from '../parties.ts'
import { columns } from '../text.ts'
import { transportTo } from '../transport.ts'

/** `server show-jwks`: prints the public keys of the server. */
export const jwks = defineCommand({
  help: [
    "Prints the server's JWKS: the public keys that verify its tokens.",
    '--pem prints them as PEM (SubjectPublicKeyInfo), for programs that cannot read a JWKS. A comment before each key contains the kid and the algorithm of the key.',
  ],
  examples: [
    { does: 'the keys', line: 'auth4agent server show-jwks' },
    { does: 'the key set, for a program', line: 'auth4agent server show-jwks --json > jwks.json' },
    { does: 'as PEM, into a file', line: 'auth4agent server show-jwks --pem > keys.pem' },
  ],
  flags: { ...serverFlags, pem: { kind: 'boolean', help: 'print the keys as PEM' } },
  async run(context) {
    const { flags, fetch, signal, progress, answer } = context
    const { server } = await chooseServer(context)
    const asked = transportTo(server, fetch)({ method: 'GET', path: '/.well-known/jwks.json', signal })
    const set = await progress(`asking ${server}`, asked)
    const published = readJwkSet(set)
    if (published === undefined) {
      throw new CliError(`The server ${server} did not answer with a JWK Set`, {
        reason: 'UNEXPECTED_ANSWER',
        exit: 'refused',
      })
    }
    if (!flags.on('pem')) {
      const rows = published.map(({ kid, alg }) => [kid, alg])
      const kids = published.map(({ kid }) => kid)
      return answer(set, columns([['KID', 'ALG'], ...rows]), kids)
    }
    const keys = published.map((key) => ({ kid: key.kid, alg: key.alg, pem: toPem(key) }))
    const text = keys.map(({ kid, alg, pem }) => `# kid: ${kid} alg: ${alg}\n${pem}`).join('\n')
    answer({ keys }, text, text)
  },
})

/** Writes a key as PEM (RFC 7468 section 13). Throws CliError if it is not a valid public key. */
function toPem({ kid, jwk }: PublishedJwk): string {
  try {
    return String(createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({ format: 'pem', type: 'spki' })).trimEnd()
  } catch {
    throw new CliError(`The server's key ${kid} is not a valid public key`, {
      reason: 'UNEXPECTED_ANSWER',
      exit: 'refused',
    })
  }
}
