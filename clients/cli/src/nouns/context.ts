import type { Noun } from '../command.ts'

/** The commands of the noun `context`. */
export const context: Noun = {
  noun: 'context',
  summary: 'folders with configuration and keys of their own',
  commands: [
    {
      words: 'context set',
      former: ['set-server'],
      summary: 'change the server of the context, or its administrator key',
      load: async () => (await import('../commands/context-set.ts')).setContext,
    },
    {
      words: 'context list',
      summary: 'list contexts: named folders, each with its own configuration and keys',
      load: async () => (await import('../commands/contexts.ts')).listContexts,
    },
    {
      words: 'context use',
      summary: 'choose the context that later commands use',
      load: async () => (await import('../commands/contexts.ts')).useContext,
    },
    {
      words: 'context show',
      summary: 'show the context in use',
      load: async () => (await import('../commands/contexts.ts')).showContext,
    },
  ],
}
