import type { Noun } from '../command.ts'

/** The commands of the noun `subordinate`. */
export const subordinate: Noun = {
  noun: 'subordinate',
  summary: "entities below the deployment's authority",
  commands: [
    {
      words: 'subordinate add',
      former: ['issuers subordinates add'],
      summary: "make an entity a subordinate of the deployment's authority",
      load: async () => (await import('../commands/issuers-subordinates.ts')).addSubordinate,
    },
    {
      words: 'subordinate list',
      former: ['issuers subordinates list'],
      summary: 'list the subordinates of the authority',
      load: async () => (await import('../commands/issuers-subordinates.ts')).listSubordinates,
    },
    {
      words: 'subordinate remove',
      former: ['issuers subordinates remove'],
      summary: 'end the statements about a subordinate',
      load: async () => (await import('../commands/issuers-subordinates.ts')).removeSubordinate,
    },
  ],
}
