/** How the tool ends. Scripts rely on these: none is ever renumbered. */
export const exitCodes = {
  ok: { code: 0, means: 'it was done, or the answer is yes' },
  refused: { code: 1, means: 'the server refused, the token is not valid, or the check failed' },
  usage: { code: 2, means: 'the command line is not understood' },
  unreachable: { code: 3, means: 'the server does not answer, or not now' },
  configuration: { code: 4, means: 'a configuration file or a key is missing, unreadable or wrong' },
  internal: { code: 70, means: 'an error of the tool itself' },
  notRunnable: { code: 126, means: '`exec`: the program cannot be run' },
  notFound: { code: 127, means: '`exec`: there is no such program' },
  interrupted: { code: 130, means: 'Ctrl-C' },
  terminated: { code: 143, means: 'SIGTERM' },
} as const

/** A way to end, by name. */
export type Exit = keyof typeof exitCodes
