import type { Noun } from '../command.ts'

/** The commands of the noun `deployment`. */
export const deployment: Noun = {
  noun: 'deployment',
  summary: 'all operators of the server',
  commands: [
    {
      words: 'deployment end-all-tokens',
      summary: 'end all tokens of all operators',
      load: async () => (await import('../commands/deployment.ts')).endDeploymentTokens,
    },
  ],
}
