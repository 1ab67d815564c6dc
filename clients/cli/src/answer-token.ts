import type { IssuedToken } from '@auth4agent/sdk'
import { writeText } from '@auth4agent/sdk/node'
import type { Context, Place } from './context.ts'
import { nextLine, quoted } from './next-line.ts'
import { shared } from './shared-flags.ts'
import { lines } from './text.ts'

/** The flag for the file of a token. */
export const tokenOutputFlag = {
  output: {
    ...shared.output,
    more: 'the token, so that only you can read it',
  },
} as const

/** Prints a token and its terms, or writes it to the file of the flag. `about` are further lines for people. */
export async function answerToken(
  { flags, answer, note, place }: Context<typeof tokenOutputFlag>,
  title: string,
  token: IssuedToken,
  about: Readonly<Record<string, string>>,
): Promise<void> {
  const expires_at = token.expiresAt.toISOString().replace('.000Z', 'Z')
  const { scope, tokenType: token_type } = token
  const bound = token_type === 'DPoP' && { token_type }
  const told = lines({ ...about, scope, audience: token.audience.join(' '), ...bound, expires_at })
  const output = flags.text('output')
  if (bound) note(`each request with this token needs a proof: ${proofLine(place, output)}`)
  if (output === undefined) {
    const json = { token: token.token, token_type, expires_at }
    return answer(json, `${title}\n\n${told}\n\n${token.token}`, [token.token])
  }
  await writeText(output, `${token.token}\n`, { replacesLink: true })
  answer({ output, token_type, expires_at }, `${title}\n\n${told}\n\nwritten to ${output}`, output)
}

function proofLine(place: Place, output: string | undefined): string {
  return nextLine(place, `dpop-proof create --method METHOD --url URL --token ${quoted(`@${output ?? 'FILE'}`)}`)
}
