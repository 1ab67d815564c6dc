import type { Noun } from '../command.ts'

/** The commands of the noun `id-jag`. */
export const idJag: Noun = {
  noun: 'id-jag',
  summary: 'tokens with which an agent acts for a user',
  commands: [
    {
      words: 'id-jag exchange',
      former: ['act-for-user'],
      summary: 'get a token for an ID-JAG, with which the agent acts for a user',
      load: async () => (await import('../commands/act-for-user.ts')).actForUser,
    },
  ],
}
