import { defineCommand } from '../command.ts'
import { notRegistered, requireOperator } from '../parties.ts'
import { lines } from '../text.ts'

/** `operator show-id`: shows the id of the operator of the folder. */
export const operatorId = defineCommand({
  help: [
    'Shows the id of the operator of operator.json, which others need to register an agent, to sign a trust statement, or to ask for a role. It asks no server.',
  ],
  examples: [
    { does: 'the id and the domain', line: 'auth4agent operator show-id' },
    { does: 'only the id, for a script', line: 'OPERATOR=$(auth4agent operator show-id --quiet)' },
  ],
  flags: {},
  async run({ folder, answer }) {
    const { id, domain } = await requireOperator(folder)
    if (id === '') throw notRegistered()
    answer({ id, domain }, lines({ id, domain }), id)
  },
})
