import { defineCommand } from '../command.ts'
import { VERSION } from '../version.ts'

/** `version`: prints the version of the tool. */
export const version = defineCommand({
  help: ['Prints the version of this tool; `auth4agent --version` does the same.'],
  examples: [{ does: 'print the version', line: 'auth4agent version' }],
  flags: {},
  folder: 'unused',
  async run({ answer }) {
    answer({ version: VERSION }, VERSION, VERSION)
  },
})
