import type { Noun } from '../command.ts'

/** The commands of the noun `connection`. */
export const connection: Noun = {
  noun: 'connection',
  summary: 'installations of clients that act for users',
  commands: [
    {
      words: 'connection end',
      summary: 'end one connection of a consent, and its tokens',
      load: async () => (await import('../commands/consents.ts')).endConnection,
    },
  ],
}
