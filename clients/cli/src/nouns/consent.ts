import type { Noun } from '../command.ts'

/** The commands of the noun `consent`. */
export const consent: Noun = {
  noun: 'consent',
  summary: 'what users let clients do',
  commands: [
    {
      words: 'consent list',
      summary: 'list consents of your users and at your audiences',
      load: async () => (await import('../commands/consents.ts')).listConsents,
    },
    {
      words: 'consent withdraw',
      summary: 'withdraw a consent, and end its tokens',
      load: async () => (await import('../commands/consents.ts')).withdrawConsent,
    },
  ],
}
