import { parsePrivateKey } from '@auth4agent/sdk/node'
import { CliError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { getToken, tokenFlags } from '../get-token.ts'
import { shown } from '../hidden.ts'

const VARIABLE = 'AUTH4AGENT_TOKEN'
/** Settings of a server that are secret in themselves. */
const SECRETS: ReadonlySet<string> = new Set(['AUTH4AGENT_KEK', 'AUTH4AGENT_OTHER_KEKS', 'AUTH4AGENT_PKCS11_PIN'])

/** Runs a program with a token in its environment. */
export const exec = defineCommand({
  help: [
    `Gets a token as \`auth4agent issue\` does, and runs a program with it in ${VARIABLE}. The token is never printed, and the program gets no private key: variables that hold one are left out.`,
    'Signals are passed on to the program, and the tool ends as the program does. The token is not renewed: --ttl says how long it lives.',
  ],
  examples: [
    {
      does: 'a script that reads $AUTH4AGENT_TOKEN',
      line: 'auth4agent exec --scope orders:read --aud https://api.example.com -- ./sync-orders.sh',
    },
    {
      does: 'under another name',
      line: 'auth4agent exec --scope orders:read --aud https://api.example.com --env API_TOKEN -- node sync.js',
    },
  ],
  flags: {
    ...tokenFlags,
    env: { kind: 'text', value: 'NAME', help: `the variable that holds the token; ${VARIABLE} unless told` },
  },
  runsProgram: true,
  async run(context) {
    const [program = '', ...args] = context.program
    const name = context.flags.text('env') ?? VARIABLE
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw usageError('--env takes the name of a variable', 'It has letters, digits and _, and begins with no digit.')
    }
    const { token } = await getToken(context)
    // Told to end meanwhile, it starts nothing.
    context.signal.throwIfAborted()
    try {
      return await context.runProgram([program, ...args], { ...harmless(context.env), [name]: token.token })
    } catch (error) {
      throw notRun(program, error)
    }
  },
})

/** An environment without what is, or opens, a private key. */
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
  return new CliError(`${shown(program)} cannot be run: ${code}`, { reason: 'PROGRAM', exit })
}
