import type { Noun } from '../command.ts'

/** The commands of the noun `token`. */
export const token: Noun = {
  noun: 'token',
  summary: 'get, verify and revoke tokens, and run programs with them',
  commands: [
    {
      words: 'token issue',
      former: ['issue'],
      summary: 'get a token',
      load: async () => (await import('../commands/issue.ts')).issue,
    },
    {
      words: 'token verify',
      former: ['verify'],
      summary: 'verify a token',
      load: async () => (await import('../commands/verify.ts')).verify,
    },
    {
      words: 'token introspect',
      former: ['introspect'],
      summary: 'ask as an agent whether a token is active',
      load: async () => (await import('../commands/introspect.ts')).introspect,
    },
    {
      words: 'token exec',
      former: ['exec'],
      summary: 'run a program with a token',
      load: async () => (await import('../commands/exec.ts')).exec,
    },
    {
      words: 'token revoke',
      former: ['revoke token'],
      summary: 'revoke one token',
      load: async () => (await import('../commands/revoke.ts')).revokeToken,
    },
  ],
}
