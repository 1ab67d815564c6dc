import { verdicts } from '@auth4agent/core/token/verdicts'
import { createTransport, type OnlineVerification, openCalls } from '@auth4agent/sdk'
import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { type OfflineVerification, verifyOffline } from '../offline.ts'
import { chooseServer, type ServerChoice } from '../parties.ts'
import { readScopes, SCOPES_HELP, scopeFlag } from '../scopes.ts'
import { readToken } from '../secrets.ts'
import { lines } from '../text.ts'

const UNKNOWN = 'not checked, because offline verification cannot see revocations; use --online'

const verifyFlags = {
  ...serverFlags,
  token: {
    kind: 'text',
    value: 'TOKEN',
    help: 'the token; @FILE or - hides it from the process list',
    required: true,
  },
  online: { kind: 'boolean', help: 'also ask the server, which knows all revocations' },
  aud: { kind: 'list', value: 'AUDIENCE', help: 'the token must be for one of these audiences' },
  scope: { ...scopeFlag, help: `the token must have all of these scopes, ${SCOPES_HELP}` },
  operator: { kind: 'list', value: 'OPERATOR', help: 'the operator of the token must be one of these domains or ids' },
} as const

/** `verify`: verifies a token. */
export const verify = defineCommand({
  help: [
    'Verifies a token with the public keys of the server: form, claims, signature, issuer, times, and what --aud, --scope and --operator demand. The exit code is 0 if the token is valid and 1 if it is not.',
    'Offline verification cannot see revocations: a revoked token, or a token of a suspended agent, stays valid until it expires. --online also asks the server.',
  ],
  examples: [
    { does: 'a token in a file', line: 'auth4agent verify --token @token.txt' },
    {
      does: 'a token from a pipe, also checked for revocation',
      line: 'auth4agent verify --token - --online < token.txt',
    },
    {
      does: 'with everything that an API demands',
      line: 'auth4agent verify --token @token.txt --online --aud https://api.example.com --scope orders:read --operator example.com',
    },
  ],
  flags: verifyFlags,
  async run(context) {
    // Throws if --scope names no scope, before the tool sends any request.
    readScopes(context.flags.list('scope'))
    const token = await readToken(context.flags.required('token'), context)
    const choice = await chooseServer(context)
    const offline = await context.progress('fetching the keys', offlineOf(token, choice, context))
    const online = context.flags.on('online')
      ? await context.progress('asking the server', onlineOf(token, choice, context))
      : undefined
    const isValid = offline.verdict === undefined && online?.valid !== false
    const reason = reasonOf(offline, online, isValid)
    context.answer(toJson(offline, online, isValid), toText(offline, online, isValid, context), [reason ?? 'valid'])
    return isValid ? 'ok' : 'refused'
  },
})

async function offlineOf(
  token: string,
  { server, issuer = server }: ServerChoice,
  { flags, fetch, signal, now }: Context<typeof verifyFlags>,
) {
  const jwks = await createTransport({ server, fetch })({ method: 'GET', path: '/.well-known/jwks.json', signal })
  const wanted = {
    audience: flags.list('aud'),
    scope: readScopes(flags.list('scope')),
    operators: flags.list('operator'),
  }
  return verifyOffline(token, { issuer, jwks, nowS: now() / 1000, wanted })
}

async function onlineOf(token: string, { server }: ServerChoice, { flags, fetch }: Context<typeof verifyFlags>) {
  const scope = readScopes(flags.list('scope')).join(' ')
  const [audience, operators] = [flags.list('aud'), flags.list('operator')]
  const wanted = {
    ...(audience.length > 0 && { audience }),
    ...(operators.length > 0 && { operators }),
    ...(scope !== '' && { scope }),
  }
  return openCalls({ server, fetch }).verifyToken(token, wanted)
}

/** Returns the reason why the token is not valid, or undefined if it is valid. */
function reasonOf({ verdict }: OfflineVerification, online: OnlineVerification | undefined, valid: boolean) {
  return valid ? undefined : (verdict ?? online?.reason ?? 'REFUSED')
}

function toJson(offline: OfflineVerification, online: OnlineVerification | undefined, valid: boolean) {
  const { claims, verdict } = offline
  const reason = verdict ?? (valid ? undefined : (online?.reason ?? undefined))
  return {
    valid,
    ...(reason !== undefined && { reason }),
    ...(claims !== undefined && {
      expired: verdict === 'TOKEN_EXPIRED',
      issuer: claims.iss,
      subject: claims.sub,
      audience: claims.aud,
      scope: claims.scope,
      issued: timeOf(claims.iat),
      expires: timeOf(claims.exp),
      operator_id: claims.operator_id,
      jti: claims.jti,
    }),
    revocation: online === undefined ? 'not checked' : 'checked',
    ...(online !== undefined && { online }),
  }
}

function toText(
  { claims, verdict }: OfflineVerification,
  online: OnlineVerification | undefined,
  valid: boolean,
  { style }: Pick<Context<typeof verifyFlags>, 'style'>,
): string {
  const reason = verdict ?? (valid ? undefined : online?.reason)
  const known: Readonly<Record<string, string>> = verdicts
  const why = reason ? { reason: `${reason}: ${known[reason] ?? 'The server refuses the token'}` } : {}
  const said = claims && {
    expired: verdict === 'TOKEN_EXPIRED',
    issuer: claims.iss,
    subject: claims.sub,
    audience: `[${claims.aud.join(' ')}]`,
    scope: claims.scope,
    operator_id: claims.operator_id,
    issued_at: timeOf(claims.iat),
    expires_at: timeOf(claims.exp),
  }
  const mark = (text: string) => (valid ? style.good(text) : style.bad(text))
  const revocation =
    online === undefined ? `revocation: ${UNKNOWN}` : `online verification: ${online.valid ? 'success' : 'failed'}`
  return `token verification\n\nvalid: ${mark(String(valid))}\n${lines({ ...why, ...said })}\n\n${revocation}`
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
