import type { TrustAdmission } from '@auth4agent/sdk'
import { defineCommand } from '../command.ts'
import { shared } from '../shared-flags.ts'
import { columns, plain } from '../text.ts'
import { askerFlags, openAsker } from '../trust-asker.ts'

const AUDIENCE = 'https://api.cargo.example/v1'

/** `trust list-admissions`: lists who of other deployments may call an audience. */
export const trustAdmissions = defineCommand({
  help: [
    'Lists the operators of other deployments whose agents may call an audience of yours, with the scopes of their tokens and what each of them means at the audience. A token with a scope that is not listed is refused. If an operator is listed several times, the first line with all scopes of a token decides.',
    'Members of the groups that you accept are listed too. Only the owner of the audience and the administrator can do this.',
  ],
  examples: [
    { does: 'who may call', line: `auth4agent trust list-admissions --audience ${AUDIENCE}` },
    {
      does: 'the ids of all edges that this rests on',
      line: `auth4agent trust list-admissions --audience ${AUDIENCE} --json | jq '.admissions[].edge_ids'`,
    },
  ],
  flags: {
    ...askerFlags,
    audience: { ...shared.audience, required: true },
  },
  async run(context) {
    const { flags, progress, answer } = context
    const found = await progress(
      'asking the server',
      (await openAsker(context)).listAdmissions(flags.required('audience')),
    )
    const rows = found.admissions.map((each) => [each.domain, each.issuer, scopesOf(each), each.expires_at])
    const bound = found.bound_only ? 'Only tokens that are bound to a key are accepted\n\n' : ''
    const table = rows.length === 0 ? 'no operator of another deployment' : columns([HEADER, ...rows])
    answer(found, plainLines(bound + table), plainLines(columns(rows)))
  },
})

const HEADER = ['DOMAIN', 'ISSUER', 'SCOPES', 'UNTIL'] as const

function scopesOf({ scopes }: TrustAdmission): string {
  return scopes.map(({ scope, values }) => `${scope}=${values.join('+')}`).join(',')
}

function plainLines(text: string): string {
  return text.split('\n').map(plain).join('\n')
}
