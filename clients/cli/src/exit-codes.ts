/** Exit codes of the tool. Scripts rely on them, so they never change. */
export const exitCodes = {
  ok: { code: 0, means: 'success, or the answer is yes' },
  refused: { code: 1, means: 'the server refused, the token is not valid, or the check failed' },
  usage: { code: 2, means: 'the command line is wrong' },
  unreachable: {
    code: 3,
    means: 'unknown: the server does not answer, cannot answer now (try again later), or was not asked',
  },
  configuration: { code: 4, means: 'a configuration file or a key is missing, unreadable or wrong' },
  internal: { code: 70, means: 'an error of the tool itself' },
  notRunnable: { code: 126, means: '`token exec`: the program cannot be run' },
  notFound: { code: 127, means: '`token exec`: the program does not exist' },
  interrupted: { code: 130, means: 'Ctrl-C' },
  terminated: { code: 143, means: 'SIGTERM' },
} as const

/** Name of an exit code. */
export type Exit = keyof typeof exitCodes
