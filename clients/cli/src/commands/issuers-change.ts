import type { AdmittedIssuer } from '@auth4agent/sdk'
import { defineCommand } from '../command.ts'
import { adminFlags, reasonFlag } from '../common-flags.ts'
import { describeIssuer, findIssuer, issuerArgument } from '../issuers.ts'
import { openAdministrator } from '../parties.ts'

const flags = { ...adminFlags, ...reasonFlag }

/** `issuer disable`: ends the admission of an issuer. */
export const disableIssuer = defineCommand({
  help: [
    'Ends the admission of a foreign issuer. When the command has ended, no online verifier accepts its tokens, nor tokens that this server issued because of one. Run it again if it was interrupted. Only the administrator can do this.',
  ],
  examples: [
    {
      does: 'an issuer whose signing key has leaked',
      line: `auth4agent issuer disable https://auth.example --reason "key leaked"`,
    },
  ],
  arguments: [issuerArgument],
  flags,
  async run(context) {
    const [given = ''] = context.arguments
    const administrator = await openAdministrator(context)
    const { id } = await context.progress('asking the server', findIssuer(administrator, given))
    const issuer = await context.progress('disabling', administrator.issuers.disable(id, context.flags.text('reason')))
    context.answer(issuer, told('issuer disabled', issuer), [id])
  },
})

/** `issuer enable`: admits a disabled issuer again. */
export const enableIssuer = defineCommand({
  help: [
    'Admits a disabled issuer again. Tokens that it issued before this command stay refused. Only the administrator can do this.',
  ],
  examples: [{ does: 'after its keys are replaced', line: `auth4agent issuer enable https://auth.example` }],
  arguments: [issuerArgument],
  flags,
  async run(context) {
    const [given = ''] = context.arguments
    const administrator = await openAdministrator(context)
    const { id } = await context.progress('asking the server', findIssuer(administrator, given))
    const issuer = await context.progress('enabling', administrator.issuers.enable(id, context.flags.text('reason')))
    context.answer(issuer, told('issuer enabled', issuer), [id])
  },
})

/** `issuer readmit-key`: accepts a withdrawn key again. */
export const readmitIssuerKey = defineCommand({
  help: [
    'Accepts a key again that an issuer had withdrawn from its JWKS and now publishes again. First ask the people who run the issuer, by another way than the network, whether they meant to: a JWKS that was replayed looks the same. Only the administrator can do this.',
  ],
  examples: [
    {
      does: 'a key that the issuer had removed by mistake',
      line: `auth4agent issuer readmit-key https://auth.example NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs`,
    },
  ],
  arguments: [issuerArgument, { name: 'KID', help: 'the key, as `issuer show` shows it', required: true }],
  flags,
  async run(context) {
    const [given = '', kid = ''] = context.arguments
    const administrator = await openAdministrator(context)
    const { id } = await context.progress('asking the server', findIssuer(administrator, given))
    const reason = context.flags.text('reason')
    const issuer = await context.progress('readmitting', administrator.issuers.readmitKey(id, kid, reason))
    context.answer(issuer, told('key readmitted', issuer), [kid])
  },
})

function told(what: string, issuer: AdmittedIssuer): string {
  return `${what}\n\n${describeIssuer(issuer)}`
}
