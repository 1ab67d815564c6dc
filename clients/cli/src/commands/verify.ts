import type { Requirements } from '@auth4agent/core/token/check-requirements'
import { verdicts } from '@auth4agent/core/token/verdicts'
import { createTransport, type OnlineVerification, openCalls } from '@auth4agent/sdk'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { foreignToJson, foreignToText } from '../foreign-token.ts'
import { type GivenProof, type OfflineVerification, verifyOffline } from '../offline.ts'
import { chooseServer, type ServerChoice } from '../parties.ts'
import { readScopes } from '../scopes.ts'
import { readToken } from '../secrets.ts'
import { shared } from '../shared-flags.ts'
import { lines } from '../text.ts'
import { writeTime } from '../times.ts'
import { type VerdictFacts, verdictFacts } from '../verdict-facts.ts'

const UNKNOWN = 'not checked, because offline verification cannot see revocations; use --online'

const verifyFlags = {
  ...serverFlags,
  token: {
    ...shared.token,
    required: true,
  },
  online: { kind: 'boolean', help: 'also ask the server, which knows all revocations' },
  aud: { ...shared.aud, more: 'the token must be for one of them' },
  scope: { ...shared.scope, more: 'the token must have all of them' },
  operator: { kind: 'list', value: 'OPERATOR', help: 'the operator of the token must be one of these domains or ids' },
  'foreign-issuer': {
    kind: 'list',
    value: 'ISSUER',
    help: 'the token must be of one of these issuers, which the server has admitted; the server verifies it, and --aud is needed',
  },
  'dpop-proof': {
    ...shared['dpop-proof'],
    more: 'of the request that carried the token',
  },
  method: { ...shared.method, more: 'with --dpop-proof' },
  url: { ...shared.url, more: 'with --dpop-proof' },
} as const

/** `token verify`: verifies a token. */
export const verify = defineCommand({
  help: [
    'Verifies a token with the public keys of the server: form, claims, signature, issuer, times, and what --aud, --scope and --operator demand. The exit code is 0 if the token is valid and 1 if it is not.',
    'Offline verification cannot see revocations: a revoked token, or a token of a suspended agent, stays valid until it expires. --online also asks the server.',
    'A token that is bound to a key is valid only together with the DPoP proof of a request (RFC 9449): --dpop-proof, --method and --url. Offline verification does not notice that a proof is used twice; the server does, so it accepts each proof once.',
    'A token of another deployment or OAuth server, which has other keys, only the server can verify: name its issuer with --foreign-issuer. --scope is then a scope at the audience, after the map of the statement that allows the call.',
  ],
  examples: [
    { does: 'a token in a file', line: 'auth4agent token verify --token @token.txt' },
    {
      does: 'a token from a pipe, also checked for revocation',
      line: 'auth4agent token verify --token - --online < token.txt',
    },
    {
      does: 'with everything that an API demands',
      line: 'auth4agent token verify --token @token.txt --online --aud https://api.example.com --scope orders:read --operator example.com',
    },
    {
      does: 'a bound token, with the proof of a request',
      line: 'auth4agent token verify --token @token.txt --dpop-proof @proof.txt --method GET --url https://api.example.com/orders',
    },
    {
      does: 'a token of another deployment',
      line: 'auth4agent token verify --token @token.txt --foreign-issuer https://auth.example --aud https://api.example.com --scope read',
    },
  ],
  flags: verifyFlags,
  async run(context) {
    // Throws if --scope names no scope, before the tool sends any request.
    readScopes(context.flags.list('scope'))
    const token = await readToken(context.flags.required('token'), context)
    const shown = { token, proof: await readProof(context) }
    const choice = await chooseServer(context)
    if (context.flags.list('foreign-issuer').length > 0) return verifyForeign(shown, choice, context)
    const offline = await context.progress('fetching the keys', offlineOf(shown, choice, context))
    const online = context.flags.on('online')
      ? await context.progress('asking the server', onlineOf(shown, choice, context))
      : undefined
    const isValid = offline.verdict === undefined && online?.valid !== false
    const reason = reasonOf(offline, online, isValid)
    const { server, issuer = server } = choice
    const judged = { token, issuer, claims: offline.claims, wanted: wantedOf(context) }
    const seen = { offline, online, reason, facts: reason && verdictFacts(reason, judged) }
    context.answer(toJson(seen), toText(seen, context), [reason ?? 'valid'])
    return isValid ? 'ok' : 'refused'
  },
})

/** Asks the server about a token of another issuer, whose keys only the server knows. */
async function verifyForeign(shown: Shown, choice: ServerChoice, context: Context<typeof verifyFlags>) {
  const { flags, progress, answer, style } = context
  if (flags.list('aud').length === 0) throw usageError('--foreign-issuer needs --aud', 'Name the audience of the token')
  const online = await progress('asking the server', onlineOf(shown, choice, context))
  answer(foreignToJson(online), foreignToText(online, style), [online.valid ? 'valid' : (online.reason ?? 'REFUSED')])
  return online.valid ? 'ok' : 'refused'
}

/** A token, and the proof of the request that carried it. */
interface Shown {
  readonly token: string
  readonly proof: GivenProof | undefined
}

async function readProof(context: Context<typeof verifyFlags>): Promise<GivenProof | undefined> {
  const { flags } = context
  const [text, method, url] = [flags.text('dpop-proof'), flags.text('method'), flags.text('url')]
  if (text === undefined && method === undefined && url === undefined) return undefined
  if (text === undefined || method === undefined || url === undefined)
    throw usageError('--dpop-proof, --method and --url must be used together')
  return { text: await readToken(text, context), method, url }
}

async function offlineOf(
  { token, proof }: Shown,
  { server, issuer = server }: ServerChoice,
  { flags, fetch, signal, now }: Context<typeof verifyFlags>,
) {
  const jwks = await createTransport({ server, fetch })({ method: 'GET', path: '/.well-known/jwks.json', signal })
  return verifyOffline(token, { issuer, jwks, nowS: now() / 1000, wanted: wantedOf({ flags }), proof })
}

function wantedOf({ flags }: Pick<Context<typeof verifyFlags>, 'flags'>): Requirements {
  return {
    audience: flags.list('aud'),
    scope: readScopes(flags.list('scope')),
    operators: flags.list('operator'),
  }
}

async function onlineOf(
  { token, proof }: Shown,
  { server }: ServerChoice,
  { flags, fetch }: Context<typeof verifyFlags>,
) {
  const scope = readScopes(flags.list('scope')).join(' ')
  const [audience, operators, issuers] = [flags.list('aud'), flags.list('operator'), flags.list('foreign-issuer')]
  const wanted = {
    ...(issuers.length > 0 && { issuers }),
    ...(audience.length > 0 && { audience }),
    ...(operators.length > 0 && { operators }),
    ...(scope !== '' && { scope }),
    ...(proof && { dpopProof: proof.text, httpMethod: proof.method, httpUrl: proof.url }),
  }
  return openCalls({ server, fetch }).verifyToken(token, wanted)
}

/** Returns the reason why the token is not valid, or undefined if it is valid. */
function reasonOf({ verdict }: OfflineVerification, online: OnlineVerification | undefined, valid: boolean) {
  return valid ? undefined : (verdict ?? online?.reason ?? 'REFUSED')
}

/** Everything that was found about a token. */
interface Seen {
  readonly offline: OfflineVerification
  readonly online: OnlineVerification | undefined
  /** Undefined if the token is valid. */
  readonly reason: string | undefined
  readonly facts: VerdictFacts | undefined | ''
}

function toJson({ offline, online, reason, facts }: Seen) {
  const { claims, verdict, demand } = offline
  return {
    valid: reason === undefined,
    ...(reason !== undefined && { reason }),
    ...(facts && { wanted: facts.wanted, has: facts.has }),
    ...(claims !== undefined && {
      expired: verdict === 'TOKEN_EXPIRED',
      issuer: claims.iss,
      subject: claims.sub,
      audience: claims.aud,
      scope: claims.scope,
      issued: writeTime(claims.iat),
      expires: writeTime(claims.exp),
      operator_id: claims.operator_id,
      jti: claims.jti,
      ...(claims.cnf && { cnf: claims.cnf }),
    }),
    ...(demand !== undefined && { demand }),
    revocation: online === undefined ? 'not checked' : 'checked',
    ...(online !== undefined && { online }),
  }
}

function toText(
  { offline, online, reason, facts }: Seen,
  { style }: Pick<Context<typeof verifyFlags>, 'style'>,
): string {
  const { claims, verdict, demand } = offline
  const known: Readonly<Record<string, string>> = verdicts
  const why = reason ? { reason: `${reason}: ${known[reason] ?? 'The server refuses the token'}` } : {}
  const compared = facts ? { wanted: facts.wanted, 'the token has': facts.has, advice: facts.advice } : {}
  const advice = reason === 'DELEGATION_NOT_ACCEPTED' ? 'auth4agent grant inspect shows who acts for whom' : undefined
  const said = claims && {
    expired: verdict === 'TOKEN_EXPIRED',
    issuer: claims.iss,
    subject: claims.sub,
    audience: `[${claims.aud.join(' ')}]`,
    scope: claims.scope,
    operator_id: claims.operator_id,
    issued_at: writeTime(claims.iat),
    expires_at: writeTime(claims.exp),
    'bound to': claims.cnf?.jkt,
  }
  const mark = reason === undefined ? style.good('true') : style.bad('false')
  const revocation =
    online === undefined ? `revocation: ${UNKNOWN}` : `online verification: ${online.valid ? 'success' : 'failed'}`
  return `token verification\n\nvalid: ${mark}\n${lines({ ...why, advice, ...compared, 'DPoP proof': demand, ...said })}\n\n${revocation}`
}
