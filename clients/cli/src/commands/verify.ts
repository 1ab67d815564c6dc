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

const UNKNOWN = 'not checked: offline verification does not know what has been revoked; --online does'

const verifyFlags = {
  ...serverFlags,
  token: {
    kind: 'text',
    value: 'TOKEN',
    help: 'the token; @FILE or - keeps it out of the list of processes',
    required: true,
  },
  online: { kind: 'boolean', help: 'ask the server, which knows about revocation' },
  aud: { kind: 'list', value: 'AUDIENCE', help: 'it must be for one of these' },
  scope: { ...scopeFlag, help: `it must have all of these, ${SCOPES_HELP}` },
  operator: { kind: 'list', value: 'OPERATOR', help: "its operator's domain or id must be one of these" },
} as const

/** Verifies a token. */
export const verify = defineCommand({
  help: [
    'Verifies a token by the keys that the server publishes: form, claims, signature, issuer, times. Ends with 0 when it is valid, with 1 when not.',
    'That says nothing about revocation: a token that was revoked, or whose agent is suspended, still verifies until it expires. --online asks the server, too.',
  ],
  examples: [
    { does: 'a token in a file', line: 'auth4agent verify --token @token.txt' },
    { does: 'one from a pipe, revocation included', line: 'auth4agent verify --token - --online < token.txt' },
    {
      does: 'as an API would',
      line: 'auth4agent verify --token @token.txt --online --aud https://api.example.com --scope orders:read --operator example.com',
    },
  ],
  flags: verifyFlags,
  async run(context) {
    // A demand that cannot be read stops before anything is asked.
    readScopes(context.flags.list('scope'))
    const token = await readToken(context.flags.required('token'), context)
    const choice = await chooseServer(context)
    const offline = await context.progress('reading the keys', offlineOf(token, choice, context))
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

/** Why it is not valid; undefined when it is. */
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
  const why = reason ? { reason: `${reason}: ${known[reason] ?? 'the server refuses it'}` } : {}
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
