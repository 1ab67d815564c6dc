import type { Noun } from '../command.ts'

/** The commands of the noun `audit`. */
export const audit: Noun = {
  noun: 'audit',
  summary: 'records of what was done and what was refused',
  commands: [
    {
      words: 'audit list',
      former: ['audit'],
      summary: 'list audit records: what was done and what was refused',
      load: async () => (await import('../commands/audit.ts')).audit,
    },
    {
      words: 'audit show',
      summary: 'show one audit record with the request that caused it, and verify its signatures',
      load: async () => (await import('../commands/audit-show.ts')).showAudit,
    },
  ],
}
