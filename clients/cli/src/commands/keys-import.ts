import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { readText } from '@auth4agent/sdk/node'
import { configurationError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { adminFlags, reasonFlag } from '../common-flags.ts'
import { openAdministrator } from '../parties.ts'
import { lines } from '../text.ts'

/** Takes in a signing key made elsewhere. */
export const importKey = defineCommand({
  help: [
    'Takes in a signing key that was made elsewhere, from a file: PEM, or a JWK. It is published at once, and signs once verifiers have it.',
  ],
  examples: [
    { does: 'an ES256 key of your own', line: 'auth4agent keys import imported.pem --key data/admin-key.pem' },
  ],
  arguments: [{ name: 'FILE', help: 'the private key to import, unencrypted; - for standard input', required: true }],
  flags: {
    ...adminFlags,
    ...reasonFlag,
    alg: {
      kind: 'text',
      value: 'ALG',
      help: 'Ed25519, for a key of that curve that is not for EdDSA',
      choices: TOKEN_ALGORITHMS,
    },
  },
  async run(context) {
    const { flags, readStdin, progress, answer } = context
    const [path = ''] = context.arguments
    const text = path === '-' ? await readStdin() : await readText(path, { secret: true })
    if (text === undefined) throw configurationError('there is no such file', 'Name the file of the key to import.')
    const administrator = await openAdministrator(context)
    const how = { alg: flags.text('alg'), reason: flags.text('reason') }
    const key = await progress('importing', administrator.keys.import(text, how))
    const { kid, alg, state, ready_at } = key
    answer(key, `key imported\n\n${lines({ kid, alg, state, ready_at })}`, [kid])
  },
})
