import type { Noun } from '../command.ts'

/** The commands of the noun `requirement`. */
export const requirement: Noun = {
  noun: 'requirement',
  summary: 'which current evidence tokens demand',
  commands: [
    {
      words: 'requirement set',
      former: ['requirements set'],
      summary: 'demand current evidence for tokens',
      load: async () => (await import('../commands/requirements.ts')).setRequirement,
    },
    {
      words: 'requirement list',
      former: ['requirements list'],
      summary: 'list the requirements',
      load: async () => (await import('../commands/requirements.ts')).listRequirements,
    },
    {
      words: 'requirement delete',
      former: ['requirements delete'],
      summary: 'delete a requirement',
      load: async () => (await import('../commands/requirements.ts')).deleteRequirement,
    },
  ],
}
