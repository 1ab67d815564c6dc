import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { readText } from '@auth4agent/sdk/node'
import { configurationError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { adminFlags, reasonFlag } from '../common-flags.ts'
import { shown } from '../hidden.ts'
import { openAdministrator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { lines } from '../text.ts'

/** `signing-key import`: imports a signing key that was created elsewhere. */
export const importKey = defineCommand({
  help: [
    'Imports a signing key that was created elsewhere, from a file with PEM or a JWK. The server publishes the key at once. The key can sign when it is ready: after verifiers have had time to fetch it.',
  ],
  examples: [
    { does: 'your own ES256 key', line: 'auth4agent signing-key import imported.pem' },
    {
      does: 'your own key for introspection answers',
      line: 'auth4agent signing-key import ed25519.pem --purpose introspection',
    },
  ],
  arguments: [{ name: 'FILE', help: 'the unencrypted private key; - for standard input', required: true }],
  flags: {
    ...adminFlags,
    ...reasonFlag,
    alg: {
      ...shared.alg,
      more: 'by default a key on the curve Ed25519 signs as EdDSA, not as Ed25519',
      choices: TOKEN_ALGORITHMS,
    },
    purpose: {
      kind: 'text',
      value: 'PURPOSE',
      help: 'what the key will sign: `access_token` (the default), `introspection` or `grant`, which need an Ed25519 key, `federation`, which needs a P-256 key, or `security_event`, which needs an RSA key',
      choices: ['access_token', 'introspection', 'grant', 'federation', 'security_event'],
    },
  },
  async run(context) {
    const { flags, readStdin, progress, answer } = context
    const [path = ''] = context.arguments
    const text = path === '-' ? await readStdin() : await readText(path, { secret: true })
    if (text === undefined)
      throw configurationError(`The file ${shown(path)} does not exist`, 'Name the file that contains the key.')
    const administrator = await openAdministrator(context)
    const how = { alg: flags.text('alg'), purpose: flags.text('purpose'), reason: flags.text('reason') }
    const key = await progress('importing', administrator.keys.import(text, how))
    const { kid, purpose, alg, state, ready_at } = key
    answer(key, `key imported\n\n${lines({ kid, purpose, alg, state, ready_at })}`, [kid])
  },
})
