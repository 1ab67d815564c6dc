import type { Noun } from '../command.ts'

/** The commands of the noun `server`. */
export const server: Noun = {
  noun: 'server',
  summary: 'the state of the server, and its public keys',
  commands: [
    {
      words: 'server status',
      former: ['health'],
      summary: 'check whether the server is up',
      load: async () => (await import('../commands/health.ts')).health,
    },
    {
      words: 'server show-jwks',
      former: ['jwks'],
      summary: "print the server's public keys",
      load: async () => (await import('../commands/jwks.ts')).jwks,
    },
  ],
}
