import { authenticate } from '@auth4agent/sdk'
import { loadSigner, writeText } from '@auth4agent/sdk/node'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import { requireAgent, serverOf } from '../parties.ts'
import { readKey } from '../secrets.ts'
import { lines } from '../text.ts'

/** Gets a token. */
export const issue = defineCommand({
  help: [
    'Gets a token for the agent of agent.json. The challenge is bound to all that is asked for, and nothing is signed unless it is one of the server that was meant.',
    'Whoever has the token is the agent, until it expires: --output writes it into a file that only you can read, instead of showing it.',
  ],
  examples: [
    { does: 'a token for an API', line: 'auth4agent issue --scope orders:read --aud https://api.example.com' },
    {
      does: 'into a file, for `verify --token @token` and others',
      line: 'auth4agent issue --scope orders:read --aud https://api.example.com --output token',
    },
    {
      does: 'the token alone, for ten minutes',
      line: 'auth4agent issue --scope "orders:read orders:write" --aud api.example.com --ttl 10m --json | jq -r .token',
    },
  ],
  flags: {
    ...serverFlags,
    scope: { kind: 'text', value: 'SCOPES', help: 'space-separated, all of them granted to the agent', required: true },
    aud: { kind: 'list', value: 'AUDIENCE', help: 'a URL or host name: who is to accept it', required: true },
    ttl: { kind: 'text', value: 'DURATION', help: '90s, 15m, 1h30m or seconds; 1h unless told' },
    output: { kind: 'text', value: 'FILE', help: 'write the token there, for its owner alone, instead of showing it' },
    key: {
      kind: 'text',
      value: 'FILE',
      help: "the agent's private key, if not the configured one; - for standard input",
    },
  },
  async run(context) {
    const { flags, folder, fetch, signal, progress, answer } = context
    const agent = await requireAgent(folder)
    const keyFile = flags.text('key')
    const key = keyFile === undefined ? await loadSigner(folder, agent) : await readKey(keyFile, context)
    const choice = serverOf(agent, context)
    const terms = {
      scopes: flags.required('scope').split(' ').filter(Boolean),
      audience: flags.list('aud'),
      ttl: flags.text('ttl') ?? '1h',
    }
    const token = await progress(
      `asking ${choice.server} for a token`,
      authenticate({ ...choice, did: agent.did, key, fetch, signal, ...terms }).catch((error: unknown) => {
        // Terms that no server takes.
        throw error instanceof TypeError ? usageError(error.message) : error
      }),
    )
    const expires_at = token.expiresAt.toISOString().replace('.000Z', 'Z')
    const told = { did: agent.did, scope: token.scope, audience: token.audience.join(' '), expires_at }
    const output = flags.text('output')
    if (output === undefined) {
      const json = { token: token.token, token_type: token.tokenType, expires_at }
      return answer(json, `token issued\n\n${lines(told)}\n\n${token.token}`)
    }
    await writeText(output, `${token.token}\n`, { replacesLink: true })
    answer(
      { output, token_type: token.tokenType, expires_at },
      `token issued\n\n${lines(told)}\n\nwritten to ${output}`,
    )
  },
})
