import { defineCommand } from '../command.ts'
import { describeExplanation } from '../explanation-text.ts'
import { readScopes } from '../scopes.ts'
import { shared } from '../shared-flags.ts'
import { askerFlags, openAsker } from '../trust-asker.ts'

/** `trust explain`: explains whether a token would be accepted. */
export const explainTrust = defineCommand({
  help: [
    "Explains whether the server would accept a token of an operator at an audience. Three needs must be met. identity: an admitted issuer speaks for the domain of the operator. permission: statements, or the policy, of the audience's owner let it call. freshness: revocations of all issuers on the path are known. Of a need that is not met, the command says what is missing, who can add it, and the command to type.",
    'Only the operator of the caller, the owner of the audience and the administrator may ask. A statement between two others is shown only by its kind.',
  ],
  examples: [
    {
      does: 'may agents of bolt.example call your API?',
      line: 'auth4agent trust explain --from bolt.example --to https://api.example.com/v1 --scope orders:read',
    },
    {
      does: 'the same, for an operator of one deployment, as the administrator',
      line: 'auth4agent trust explain --from bolt.example --home https://auth.example --to https://api.example.com/v1 --admin',
    },
  ],
  flags: {
    ...askerFlags,
    from: { kind: 'text', value: 'OPERATOR', help: 'the caller: a domain or an operator id', required: true },
    to: { kind: 'text', value: 'AUDIENCE', help: 'the audience: a URL or host name', required: true },
    scope: { ...shared.scope, more: 'of the token of the caller' },
    home: { ...shared.home, more: 'needed if several deployments speak for the domain' },
  },
  async run(context) {
    const { flags } = context
    const scope = readScopes(flags.list('scope')).join(' ')
    const question = { from: flags.required('from'), to: flags.required('to'), scope, home: flags.text('home') }
    const answer = await context.progress('asking the server', (await openAsker(context)).explainTrust(question))
    const missing = answer.legs.flatMap((leg) => (leg.missing === undefined ? [] : [leg.missing.state]))
    context.answer(answer, describeExplanation(answer, context.style), [
      answer.allowed ? 'allowed' : (missing[0] ?? 'refused'),
    ])
    return answer.allowed ? 'ok' : 'refused'
  },
})
