import type { Noun } from '../command.ts'

/** The commands of the noun `assertion`. */
export const assertion: Noun = {
  noun: 'assertion',
  summary: 'signed JWTs for calls of curl, grpcurl and scripts',
  commands: [
    {
      words: 'assertion create',
      former: ['operator token'],
      summary: 'print an assertion: a signed JWT that authenticates one call',
      load: async () => (await import('../commands/operator-token.ts')).operatorToken,
    },
  ],
}
