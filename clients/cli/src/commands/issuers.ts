import { defineCommand } from '../command.ts'
import { adminFlags } from '../common-flags.ts'
import { describeIssuer, findIssuer, issuerArgument, issuerTable } from '../issuers.ts'
import { openAdministrator } from '../parties.ts'

/** `issuer list`: lists the foreign issuers. */
export const listIssuers = defineCommand({
  help: [
    'Lists all foreign issuers, also disabled ones. The column PROBLEM says why keys or statements of an issuer cannot be fetched now. Only the administrator can do this.',
  ],
  examples: [
    { does: 'all issuers', line: `auth4agent issuer list` },
    {
      does: 'only issuers with a problem',
      line: `auth4agent issuer list --json | jq '.issuers[] | select(.problem)'`,
    },
  ],
  flags: adminFlags,
  async run(context) {
    const issuers = await context.progress('asking the server', (await openAdministrator(context)).issuers.list())
    context.answer(
      { issuers },
      issuerTable(issuers),
      issuers.map(({ issuer }) => issuer),
    )
  },
})

/** `issuer show`: shows one issuer with its domains and keys. */
export const showIssuer = defineCommand({
  help: [
    'Shows a foreign issuer, the domains for which it speaks, and its keys. A key in the state `published` verifies tokens; `absent`, `withdrawn` and `ended` keys do not. Only the administrator can do this.',
  ],
  examples: [{ does: 'one issuer', line: `auth4agent issuer show https://auth.example` }],
  arguments: [issuerArgument],
  flags: adminFlags,
  async run(context) {
    const [given = ''] = context.arguments
    const administrator = await openAdministrator(context)
    const issuer = await context.progress('asking the server', findIssuer(administrator, given))
    context.answer(issuer, describeIssuer(issuer), [issuer.id])
  },
})
