import type { Noun } from '../command.ts'

/** The commands of the noun `user`. */
export const user: Noun = {
  noun: 'user',
  summary: 'people who sign in at your identity providers',
  commands: [
    {
      words: 'user list',
      summary: 'list the users',
      load: async () => (await import('../commands/users.ts')).listUsers,
    },
    {
      words: 'user disable',
      summary: 'end all tokens of a user, and let the user sign in no more',
      load: async () => (await import('../commands/users.ts')).disableUser,
    },
    {
      words: 'user enable',
      summary: 'let a disabled user sign in again',
      load: async () => (await import('../commands/users.ts')).enableUser,
    },
    {
      words: 'user remove',
      summary: 'end all tokens of a user, and erase the person',
      load: async () => (await import('../commands/users.ts')).removeUser,
    },
  ],
}
