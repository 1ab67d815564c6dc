import type { Noun } from '../command.ts'

/** The commands of the noun `operator-key`. */
export const operatorKey: Noun = {
  noun: 'operator-key',
  summary: 'root keys and keys with roles of the people of an operator',
  commands: [
    {
      words: 'operator-key list',
      former: ['operator keys list'],
      summary: 'list the keys of the team: root keys, and keys with roles',
      load: async () => (await import('../commands/operator-keys.ts')).listOperatorKeys,
    },
    {
      words: 'operator-key request',
      former: ['operator keys request'],
      summary: 'create a key for a person or program, and ask a root key to add it',
      load: async () => (await import('../commands/operator-keys-request.ts')).requestOperatorKey,
    },
    {
      words: 'operator-key add',
      former: ['operator keys add'],
      summary: 'add the key of a request',
      load: async () => (await import('../commands/operator-keys-add.ts')).addOperatorKey,
    },
    {
      words: 'operator-key invite',
      summary: 'invite a person to make a passkey, and add it',
      load: async () => (await import('../commands/operator-keys-invite.ts')).inviteOperatorKey,
    },
    {
      words: 'operator-key list-requests',
      summary: 'list the requests for passkeys that wait',
      load: async () => (await import('../commands/operator-keys-invite.ts')).listKeyRequests,
    },
    {
      words: 'operator-key drop-request',
      summary: 'remove a request for a passkey',
      load: async () => (await import('../commands/operator-keys-invite.ts')).dropKeyRequest,
    },
    {
      words: 'operator-key update',
      former: ['operator keys update'],
      summary: 'change roles, label or expiry of a key',
      load: async () => (await import('../commands/operator-keys-change.ts')).updateOperatorKey,
    },
    {
      words: 'operator-key remove',
      former: ['operator keys remove'],
      summary: 'remove a key, which then is refused at once',
      load: async () => (await import('../commands/operator-keys-change.ts')).removeOperatorKey,
    },
    {
      words: 'operator-key set-threshold',
      former: ['operator keys threshold'],
      summary: 'change how many root keys must approve root operations',
      load: async () => (await import('../commands/operator-keys-change.ts')).setThreshold,
    },
    {
      words: 'operator-key rotate-root',
      former: ['operator keys rotate-root'],
      summary: 'replace the root key, together with the DNS record',
      load: async () => (await import('../commands/operator-keys-rotate.ts')).rotateRoot,
    },
  ],
}
