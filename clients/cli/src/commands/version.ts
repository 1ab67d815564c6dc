import { defineCommand } from '../command.ts'
import { VERSION } from '../version.ts'

/** Says which version of the tool this is. */
export const version = defineCommand({
  help: ['Prints the version of this tool; `auth4agent --version` does the same.'],
  examples: [{ does: 'which one is this?', line: 'auth4agent version' }],
  flags: {},
  folder: 'unused',
  async run({ answer }) {
    answer({ version: VERSION }, VERSION, VERSION)
  },
})
