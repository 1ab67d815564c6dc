import { operatorId } from '@auth4agent/core/identity/operator-id'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { updateOperatorConfig } from '@auth4agent/sdk/node'
import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import { nextLine } from '../next-line.ts'
import { loadRootKey } from '../own-keys.ts'
import { makeOperator, requireOperator, serverOf } from '../parties.ts'
import { lines } from '../text.ts'

/** `operator register`: registers the operator of the folder. */
export const registerOperator = defineCommand({
  help: [
    'Registers the domain and public key of operator.json with the server, and writes the operator id into operator.json. Running the command again is harmless, because the id stays the same.',
  ],
  examples: [{ does: 'the operator of ~/.auth4agents', line: 'auth4agent operator register' }],
  flags: serverFlags,
  async run(context) {
    const { folder, fetch, answer, progress, note } = context
    const config = await requireOperator(folder)
    const choice = serverOf(config, context)
    // The tool needs the private half: an operator that registers a key without it could not sign any call.
    const key = await loadRootKey(config, context)
    const operator = makeOperator({ ...choice, domain: config.domain, key, fetch })
    const registered = await progress(`registering at ${choice.server}`, operator.register())
    const changes = { id: registered.id, ...(context.flags.text('server') && { server_url: choice.server }) }
    await updateOperatorConfig(folder, { ...changes, ...(choice.issuer !== undefined && { issuer: choice.issuer }) })
    const next = `next:\n${nextLine(context.place, 'operator show-proof')}`
    answer(
      registered,
      `operator registered\n\n${lines({ id: registered.id, domain: registered.domain, status: registered.status })}\n\n${next}`,
      [registered.id],
    )
    const issuer = choice.issuer ?? choice.server
    if (operatorId({ issuer, domain: registered.domain, thumbprint: thumbprint(key.publicKey) }) !== registered.id) {
      note(
        `The issuer of the server is not ${issuer}, so the server refuses calls that this tool signs. Set the issuer: auth4agent context set --server ${choice.server} --issuer …`,
      )
    }
  },
})
