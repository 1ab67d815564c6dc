import type { Noun } from '../command.ts'

/** The commands of the noun `revocation`. */
export const revocation: Noun = {
  noun: 'revocation',
  summary: 'the log of everything that ends tokens',
  commands: [
    {
      words: 'revocation watch',
      former: ['watch'],
      summary: 'show revocations as they happen',
      load: async () => (await import('../commands/watch.ts')).watch,
    },
  ],
}
