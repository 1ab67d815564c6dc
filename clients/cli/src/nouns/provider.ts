import type { Noun } from '../command.ts'

/** The commands of the noun `provider`. */
export const provider: Noun = {
  noun: 'provider',
  summary: 'OpenID providers at which your users sign in',
  commands: [
    {
      words: 'provider put',
      summary: 'say at which OpenID provider your users sign in',
      load: async () => (await import('../commands/providers.ts')).putProvider,
    },
    {
      words: 'provider list',
      summary: 'list the identity providers',
      load: async () => (await import('../commands/providers.ts')).listProviders,
    },
    {
      words: 'provider remove',
      summary: 'remove an identity provider, and end the tokens of its users',
      load: async () => (await import('../commands/providers.ts')).removeProvider,
    },
  ],
}
