import type { Noun } from '../command.ts'

/** The commands of the noun `signing-key`. */
export const signingKey: Noun = {
  noun: 'signing-key',
  summary: 'keys with which the server signs',
  commands: [
    {
      words: 'signing-key list',
      former: ['keys list'],
      summary: 'list signing keys',
      load: async () => (await import('../commands/keys.ts')).listKeys,
    },
    {
      words: 'signing-key rotate',
      former: ['keys rotate'],
      summary: 'make the next prepared keys active',
      load: async () => (await import('../commands/keys.ts')).rotateKeys,
    },
    {
      words: 'signing-key mark-compromised',
      former: ['keys compromise'],
      summary: 'mark a leaked key as compromised, and end all tokens that it signed',
      load: async () => (await import('../commands/keys-compromise.ts')).compromiseKey,
    },
    {
      words: 'signing-key import',
      former: ['keys import'],
      summary: 'import a signing key that was created elsewhere',
      load: async () => (await import('../commands/keys-import.ts')).importKey,
    },
  ],
}
