import { parsePrivateKey } from '@auth4agent/sdk/node'
import { CliError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { getToken, tokenFlags } from '../get-token.ts'
import { shown } from '../hidden.ts'

const VARIABLE = 'AUTH4AGENT_TOKEN'
/** Settings of the server that are secrets. */
const SECRETS: ReadonlySet<string> = new Set(['AUTH4AGENT_KEK', 'AUTH4AGENT_OTHER_KEKS', 'AUTH4AGENT_PKCS11_PIN'])

/** `token exec`: runs a program with a token in its environment. */
export const exec = defineCommand({
  help: [
    `Gets a token as \`auth4agent token issue\` does, and runs a program with the token in ${VARIABLE}. It never prints the token. It removes variables that contain a private key from the program's environment.`,
    'The token is never bound to a key, because the program does not get the key of the agent. For an API that accepts only bound tokens, give the program the address of `auth4agent agent proxy --dpop`.',
    'The command forwards signals to the program, and exits with the exit code of the program. It does not renew the token; --ttl sets the lifetime of the token.',
  ],
  examples: [
    {
      does: 'a script that reads $AUTH4AGENT_TOKEN',
      line: 'auth4agent token exec --scope orders:read --aud https://api.example.com -- ./sync-orders.sh',
    },
    {
      does: 'with another variable',
      line: 'auth4agent token exec --scope orders:read --aud https://api.example.com --env API_TOKEN -- node sync.js',
    },
  ],
  flags: {
    ...tokenFlags,
    env: { kind: 'text', value: 'NAME', help: `environment variable that gets the token; ${VARIABLE} by default` },
  },
  runsProgram: true,
  async run(context) {
    const [program = '', ...args] = context.program
    const name = context.flags.text('env') ?? VARIABLE
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw usageError(
        '--env must be the name of a variable',
        'Use letters, digits and _, and do not begin with a digit.',
      )
    }
    const { token } = await getToken(context)
    // The user may have pressed Ctrl-C before the token arrived.
    context.signal.throwIfAborted()
    try {
      return await context.runProgram([program, ...args], { ...harmless(context.env), [name]: token.token })
    } catch (error) {
      throw notRun(program, error)
    }
  },
})

/** Returns the environment without variables that contain a private key or a secret of the server. */
function harmless(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]) =>
    value === undefined || SECRETS.has(name) || isPrivateKey(value) ? [] : [[name, value] as const],
  )
  return Object.fromEntries(kept)
}

function isPrivateKey(value: string): boolean {
  return value.includes('PRIVATE KEY-----') || parsePrivateKey(value).ok
}

function notRun(program: string, error: unknown): CliError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  const exit = code === 'ENOENT' ? 'notFound' : 'notRunnable'
  return new CliError(`The program ${shown(program)} cannot be run: ${code}`, { reason: 'PROGRAM', exit })
}
