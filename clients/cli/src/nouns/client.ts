import type { Noun } from '../command.ts'

/** The commands of the noun `client`. */
export const client: Noun = {
  noun: 'client',
  summary: 'programs that may act for users at your audiences',
  commands: [
    {
      words: 'client allow',
      summary: 'let a client act for users at your audiences',
      load: async () => (await import('../commands/clients.ts')).allowClient,
    },
    {
      words: 'client block',
      summary: 'block a client, and end its tokens for users',
      load: async () => (await import('../commands/clients.ts')).blockClient,
    },
    {
      words: 'client list',
      summary: 'list the clients that you have allowed or blocked',
      load: async () => (await import('../commands/clients.ts')).listClients,
    },
  ],
}
