import { answerToken, tokenOutputFlag } from '../answer-token.ts'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { getToken, tokenFlags } from '../get-token.ts'
import { getTokenAbroad } from '../get-token-abroad.ts'
import { shared } from '../shared-flags.ts'

/** `token issue`: gets a token. */
export const issue = defineCommand({
  help: [
    'Gets a token for the agent of agent.json. The agent signs a bound challenge, which contains scope, audience and lifetime. The tool refuses to sign a challenge that contains the issuer of another server.',
    'Anyone with the token can act as the agent until it expires. --output writes it to a file that only you can read, instead of printing it.',
    "With --dpop the token is bound to the agent's key (DPoP, RFC 9449), so that it is useless without that key. Each request must then have the header `Authorization: DPoP TOKEN` and, in the header `DPoP`, a new proof: `auth4agent dpop-proof create` makes it.",
    'With --for the token is of another deployment, to which the API belongs: the metadata of the API names it (RFC 9728). The server of the agent decides whether the agent may go there, by the chains-to statement of its operator, which also maps the scopes. Such a token is always bound.',
  ],
  examples: [
    { does: 'a token for an API', line: 'auth4agent token issue --scope orders:read --aud https://api.example.com' },
    {
      does: 'into a file, for example for `token verify --token @token`',
      line: 'auth4agent token issue --scope orders:read --aud https://api.example.com --output token',
    },
    {
      does: 'print only the token, valid for ten minutes',
      line: 'auth4agent token issue --scope orders:read,orders:write --aud api.example.com --ttl 10m --quiet',
    },
    {
      does: 'for an API that accepts only bound tokens',
      line: 'auth4agent token issue --dpop --scope orders:read --aud https://api.example.com --output token',
    },
    {
      does: 'for a service that calls other services for the agent',
      line: 'auth4agent token issue --may-act did:agent:acme.example:21fe31dfa154a261626bf854046fd227 --scope orders:read --aud https://api.example.com --output token',
    },
    {
      does: 'for an API of another deployment',
      line: 'auth4agent token issue --for https://api.cargo.example/v1 --scope orders:read --output token',
    },
  ],
  flags: {
    ...tokenFlags,
    aud: { ...tokenFlags.aud, required: false, more: 'the token is for it; not with --for' },
    for: { kind: 'text', value: 'URL', help: 'address of an API of another deployment, in place of --aud' },
    dpop: { ...shared.dpop, more: 'the key of the agent' },
    'may-act': {
      kind: 'text',
      value: 'DID',
      help: 'the agent that may exchange the token and then act for this one; the token is bound, as with --dpop',
    },
    ...tokenOutputFlag,
  },
  async run(context) {
    const { flags } = context
    const api = flags.text('for')
    if (api !== undefined) {
      const others = [flags.list('aud')[0], flags.text('ttl'), flags.text('may-act')]
      if (others.some((value) => value !== undefined))
        throw usageError('--aud, --ttl and --may-act cannot go with --for')
      const { did, token } = await getTokenAbroad(context, api)
      return answerToken(context, 'token issued', token, { did })
    }
    if (flags.list('aud').length === 0) throw usageError('Missing: --aud AUDIENCE, or --for URL')
    const mayAct = flags.text('may-act')
    const isBound = flags.on('dpop') || mayAct !== undefined
    const { did, token } = await getToken(context, isBound ? { mayAct } : undefined)
    await answerToken(context, 'token issued', token, { did })
  },
})
