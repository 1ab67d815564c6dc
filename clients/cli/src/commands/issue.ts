import { writeText } from '@auth4agent/sdk/node'
import { defineCommand } from '../command.ts'
import { getToken, tokenFlags } from '../get-token.ts'
import { lines } from '../text.ts'

const PROOF_NEEDED =
  'each request with this token needs a proof: auth4agent dpop-proof --method METHOD --url URL --token @FILE'

/** `issue`: gets a token. */
export const issue = defineCommand({
  help: [
    'Gets a token for the agent of agent.json. The agent signs a bound challenge, which contains scope, audience and lifetime. The tool refuses to sign a challenge that contains the issuer of another server.',
    'Anyone with the token can act as the agent until it expires. --output writes it to a file that only you can read, instead of printing it.',
    "With --dpop the token is bound to the agent's key (DPoP, RFC 9449), so that it is useless without that key. Each request must then have the header `Authorization: DPoP TOKEN` and, in the header `DPoP`, a new proof: `auth4agent dpop-proof` makes it.",
  ],
  examples: [
    { does: 'a token for an API', line: 'auth4agent issue --scope orders:read --aud https://api.example.com' },
    {
      does: 'into a file, for example for `verify --token @token`',
      line: 'auth4agent issue --scope orders:read --aud https://api.example.com --output token',
    },
    {
      does: 'print only the token, valid for ten minutes',
      line: 'auth4agent issue --scope orders:read,orders:write --aud api.example.com --ttl 10m --quiet',
    },
    {
      does: 'for an API that accepts only bound tokens',
      line: 'auth4agent issue --dpop --scope orders:read --aud https://api.example.com --output token',
    },
  ],
  flags: {
    ...tokenFlags,
    dpop: { kind: 'boolean', help: "bind the token to the agent's key (DPoP)" },
    output: {
      kind: 'text',
      value: 'FILE',
      help: 'write the token to this file, readable only by you, instead of printing it',
    },
  },
  async run(context) {
    const { flags, answer, note } = context
    const { did, token } = await getToken(context, flags.on('dpop'))
    const expires_at = token.expiresAt.toISOString().replace('.000Z', 'Z')
    const { scope, tokenType: token_type } = token
    const bound = token_type === 'DPoP' && { token_type }
    const told = lines({ did, scope, audience: token.audience.join(' '), ...bound, expires_at })
    if (bound) note(PROOF_NEEDED)
    const output = flags.text('output')
    if (output === undefined) {
      const json = { token: token.token, token_type, expires_at }
      return answer(json, `token issued\n\n${told}\n\n${token.token}`, [token.token])
    }
    await writeText(output, `${token.token}\n`, { replacesLink: true })
    const json = { output, token_type, expires_at }
    answer(json, `token issued\n\n${told}\n\nwritten to ${output}`, output)
  },
})
