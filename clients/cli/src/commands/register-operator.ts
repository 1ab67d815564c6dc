import { operatorId } from '@auth4agent/core/identity/operator-id'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { loadSigner, updateOperatorConfig } from '@auth4agent/sdk/node'
import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import { makeOperator, requireOperator, serverOf } from '../parties.ts'
import { lines } from '../text.ts'

/** Registers the operator of the folder. */
export const registerOperator = defineCommand({
  help: [
    'Registers the domain and public key of operator.json, and writes the id into it. Doing it again answers the same.',
  ],
  examples: [{ does: 'the operator of ~/.auth4agents', line: 'auth4agent register operator' }],
  flags: serverFlags,
  async run(context) {
    const { folder, fetch, answer, progress, note } = context
    const config = await requireOperator(folder)
    const choice = serverOf(config, context)
    // Whoever registers a key that is not at hand locks itself out.
    const key = await loadSigner(folder, config)
    const operator = makeOperator({ ...choice, domain: config.domain, key, fetch })
    const registered = await progress(`registering at ${choice.server}`, operator.register())
    const changes = { id: registered.id, ...(context.flags.text('server') && { server_url: choice.server }) }
    await updateOperatorConfig(folder, { ...changes, ...(choice.issuer !== undefined && { issuer: choice.issuer }) })
    const next = 'next:\nauth4agent verify-operator instructions'
    answer(
      registered,
      `operator registered\n\n${lines({ id: registered.id, domain: registered.domain, status: registered.status })}\n\n${next}`,
      [registered.id],
    )
    const issuer = choice.issuer ?? choice.server
    if (operatorId({ issuer, domain: registered.domain, thumbprint: thumbprint(key.publicKey) }) !== registered.id) {
      note(
        `The server does not call itself ${issuer}, so calls signed for that are refused. Tell what it is: auth4agent set-server --url ${choice.server} --issuer …`,
      )
    }
  },
})
