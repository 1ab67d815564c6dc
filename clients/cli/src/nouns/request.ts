import type { Noun } from '../command.ts'

/** The commands of the noun `request`. */
export const request: Noun = {
  noun: 'request',
  summary: 'requests that several root keys must approve',
  commands: [
    {
      words: 'request approve',
      former: ['operator approve'],
      summary: 'approve a prepared request with a further root key',
      load: async () => (await import('../commands/operator-approve.ts')).approve,
    },
    {
      words: 'request send',
      former: ['operator send'],
      summary: 'send a prepared request with its approvals',
      load: async () => (await import('../commands/operator-approve.ts')).send,
    },
  ],
}
