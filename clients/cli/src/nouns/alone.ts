import type { CommandEntry } from '../command.ts'

/** The commands without a noun: they begin, show and check everything that the tool needs. */
export const alone: readonly CommandEntry[] = [
  {
    words: 'init',
    summary: 'create the key and configuration of an agent or operator',
    load: async () => (await import('../commands/init.ts')).init,
  },
  {
    words: 'demo',
    summary: 'try all steps with a temporary operator, agent and API',
    load: async () => (await import('../commands/demo.ts')).demo,
  },
  {
    words: 'whoami',
    summary: 'show the configured agent or operator',
    load: async () => (await import('../commands/whoami.ts')).whoami,
  },
  {
    words: 'doctor',
    summary: 'check this machine and the server, and name solutions',
    load: async () => (await import('../commands/doctor.ts')).doctor,
  },
]

/** Commands that the help of the tool names in its last lines only. */
export const version: CommandEntry = {
  words: 'version',
  summary: 'print the version of this tool',
  load: async () => (await import('../commands/version.ts')).version,
}
