import type { Noun } from '../command.ts'

/** The commands of the noun `attestor`. */
export const attestor: Noun = {
  noun: 'attestor',
  summary: 'sources of evidence about agents, and join tokens',
  commands: [
    {
      words: 'attestor add',
      summary: 'believe a source of evidence, with its trust roots',
      load: async () => (await import('../commands/attestors.ts')).addAttestor,
    },
    {
      words: 'attestor list',
      summary: 'list the attestors',
      load: async () => (await import('../commands/attestors.ts')).listAttestors,
    },
    {
      words: 'attestor test',
      summary: 'show what an attestor says about evidence',
      load: async () => (await import('../commands/try-rules.ts')).testAttestor,
    },
    {
      words: 'attestor delete',
      summary: 'delete an attestor, and end what rests on it',
      load: async () => (await import('../commands/attestors.ts')).deleteAttestor,
    },
    {
      words: 'attestor create-join-token',
      former: ['attestor join-token'],
      summary: 'create a secret with which one agent can enrol',
      load: async () => (await import('../commands/join-tokens.ts')).createJoinToken,
    },
    {
      words: 'attestor list-join-tokens',
      former: ['attestor join-tokens'],
      summary: 'list the join tokens of an attestor',
      load: async () => (await import('../commands/join-tokens.ts')).listJoinTokens,
    },
    {
      words: 'attestor delete-join-token',
      summary: 'delete a join token',
      load: async () => (await import('../commands/join-tokens.ts')).deleteJoinToken,
    },
  ],
}
