import type { Noun } from '../command.ts'

/** The commands of the noun `admin`. */
export const admin: Noun = {
  noun: 'admin',
  summary: 'processes and database schema of the deployment',
  commands: [
    {
      words: 'admin processes',
      summary: 'list the processes of the deployment',
      load: async () => (await import('../commands/admin.ts')).listProcesses,
    },
    {
      words: 'admin schema contract',
      summary: 'remove what only older versions need, at the end of an upgrade',
      load: async () => (await import('../commands/admin.ts')).contractSchema,
    },
  ],
}
