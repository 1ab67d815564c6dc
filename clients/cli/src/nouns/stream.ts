import type { Noun } from '../command.ts'

/** The commands of the noun `stream`. */
export const stream: Noun = {
  noun: 'stream',
  summary: 'streams of security events',
  commands: [
    {
      words: 'stream create',
      summary: 'create a stream of security events',
      load: async () => (await import('../commands/streams.ts')).createStream,
    },
    {
      words: 'stream list',
      summary: 'list the streams of security events',
      load: async () => (await import('../commands/streams.ts')).listStreams,
    },
    {
      words: 'stream show',
      summary: 'show a stream of security events',
      load: async () => (await import('../commands/streams.ts')).showStream,
    },
    {
      words: 'stream update',
      summary: 'change a stream of security events',
      load: async () => (await import('../commands/streams.ts')).updateStream,
    },
    {
      words: 'stream status',
      summary: 'show, pause or enable a stream',
      load: async () => (await import('../commands/stream-status.ts')).streamStatus,
    },
    {
      words: 'stream verify',
      summary: 'ask for a verification event',
      load: async () => (await import('../commands/stream-status.ts')).verifyStream,
    },
    {
      words: 'stream add-subject',
      former: ['stream subject add'],
      summary: 'add a subject to a stream',
      load: async () => (await import('../commands/stream-status.ts')).addStreamSubject,
    },
    {
      words: 'stream remove-subject',
      former: ['stream subject remove'],
      summary: 'remove a subject from a stream',
      load: async () => (await import('../commands/stream-status.ts')).removeStreamSubject,
    },
    {
      words: 'stream delete',
      summary: 'delete a stream of security events',
      load: async () => (await import('../commands/streams.ts')).deleteStream,
    },
  ],
}
