import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { exportPrivateJwk, type NewIssuer } from '@auth4agent/sdk'
import { parsePrivateKey, readText } from '@auth4agent/sdk/node'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { adminFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { shown } from '../hidden.ts'
import { describeIssuer } from '../issuers.ts'
import { openAdministrator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { readDuration } from '../times.ts'

const MODES = ['log', 'introspection', 'status_list', 'none'] as const
const KINDS = ['auth4agent', 'oauth'] as const

const flags = {
  ...adminFlags,
  kind: {
    ...shared.kind,
    more: '`auth4agent` (the default) for another deployment, or `oauth` for another server that issues JWTs',
    choices: KINDS,
  },
  revocations: {
    kind: 'text',
    value: 'MODE',
    help: 'how its revocations reach the server: `log` (auth4agent), `introspection` (oauth), `status_list` or `none`',
    choices: MODES,
    required: true,
  },
  'token-alg': {
    aliases: ['alg'],
    kind: 'list',
    value: 'ALG',
    help: 'algorithm of its tokens; may be repeated',
    choices: TOKEN_ALGORITHMS,
  },
  'acts-as': {
    kind: 'text',
    value: 'ID',
    help: 'who the server is at the issuer: an operator id for `log`, a client id for `introspection`',
  },
  secret: {
    kind: 'text',
    value: 'FILE',
    help: 'file of its secret there: the private key of the operator for `log`, the client secret for `introspection`; - for standard input',
  },
  'introspection-uri': { kind: 'text', value: 'URL', help: 'introspection endpoint, for `introspection`' },
  'status-list-uri': {
    kind: 'text',
    value: 'URL',
    help: 'what the addresses of its status lists begin with, for `status_list` of the kind oauth; by default its origin',
  },
  'jwks-uri': { kind: 'text', value: 'URL', help: 'address of its keys, if not below the issuer' },
  'token-type': { kind: 'text', value: 'TYP', help: 'value of `typ` in its tokens; by default at+jwt' },
  'max-token-ttl': { kind: 'text', value: 'DURATION', help: 'longest lifetime of its tokens, such as 15m' },
  'max-staleness': {
    kind: 'text',
    value: 'DURATION',
    help: 'how old the knowledge of its revocations may be, 2s to 60s, by default 5s; for `status_list` 2s to 5m, by default 5m',
  },
  'subject-domain': {
    aliases: ['domain'],
    kind: 'text',
    value: 'DOMAIN',
    help: 'the domain of all its subjects, for `oauth`',
  },
  anchor: {
    kind: 'text',
    value: 'ANCHOR',
    help: 'the trust anchor of a candidate, as `issuer discover` shows it; its keys then come from the trust chain',
  },
} as const

/** `issuer add`: admits a foreign issuer. */
export const addIssuer = defineCommand({
  help: [
    'Admits a foreign issuer. Its tokens are then looked at, but are valid only where the operator of an audience has signed a trust statement. Only the administrator can do this.',
    'The mode of --revocations cannot be changed later. With `log`, register an operator at the other deployment first. Any key of this operator will do; best is a key of its own with as few roles as possible.',
  ],
  examples: [
    {
      does: 'another deployment, whose revocations arrive within seconds',
      line: `auth4agent issuer add https://auth.example --revocations log --acts-as 0f7e9f3c-62d1-8a55-9b60-5f3d2c1b0a99 --secret watch.key`,
    },
    {
      does: 'a candidate of a federation',
      line: `auth4agent issuer add https://auth.example --anchor https://federation.example.edu --revocations none`,
    },
    {
      does: 'an OAuth server whose tokens live at most 5 minutes',
      line: `auth4agent issuer add https://idp.example --kind oauth --token-alg RS256 --revocations none --subject-domain example.com`,
    },
  ],
  arguments: [{ name: 'ISSUER', help: 'the issuer, exactly as its tokens name it in `iss`', required: true }],
  flags,
  async run(context) {
    const [issuer = ''] = context.arguments
    if (context.flags.text('secret') === '-' && context.flags.text('key') === '-') {
      throw usageError('Only one of --secret and --key can be - for standard input')
    }
    const wanted = await readNewIssuer(issuer, context)
    const administrator = await openAdministrator(context)
    const admitted = await context.progress('adding', administrator.issuers.add(wanted))
    context.answer(admitted, `issuer added\n\n${describeIssuer(admitted)}`, [admitted.id])
  },
})

async function readNewIssuer(issuer: string, context: Context<typeof flags>): Promise<NewIssuer> {
  const given = context.flags
  const mode = oneOf('--revocations', MODES, given.required('revocations'))
  return {
    issuer,
    kind: oneOf('--kind', KINDS, given.text('kind') ?? 'auth4agent'),
    algorithms: given.list('token-alg').flatMap((algorithms) => algorithms.split(',')),
    token_type: given.text('token-type'),
    jwks_uri: given.text('jwks-uri'),
    revocation_mode: mode,
    acts_as: given.text('acts-as'),
    secret: await readSecret(mode, context),
    introspection_uri: given.text('introspection-uri'),
    status_list_uri: given.text('status-list-uri'),
    max_token_ttl: readSeconds('--max-token-ttl', given.text('max-token-ttl')),
    max_staleness_ms: inMs(readSeconds('--max-staleness', given.text('max-staleness'))),
    domain: given.text('subject-domain'),
    anchor: given.text('anchor'),
  }
}

function oneOf<T extends string>(flag: string, choices: readonly T[], text: string): T {
  const found = choices.find((choice) => choice === text)
  if (found !== undefined) return found
  throw usageError(`${flag} must be ${choices.join(' or ')}`)
}

function readSeconds(flag: string, text: string | undefined): number | undefined {
  const seconds = text === undefined ? undefined : readDuration(text)
  if (text !== undefined && seconds === undefined) throw usageError(`${flag} must be a duration, such as 5s or 15m`)
  return seconds
}

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000
}

/** Reads the secret. A key file becomes a JWK, because the server takes no other form. */
async function readSecret(
  mode: NewIssuer['revocation_mode'],
  { flags: given, readStdin }: Context<typeof flags>,
): Promise<string | undefined> {
  const path = given.text('secret')
  if (path === undefined) return undefined
  const text = path === '-' ? await readStdin() : await readText(path, { secret: true })
  if (text === undefined) throw configurationError(`There is no file at ${shown(path)}`, 'Name the file of the secret.')
  const trimmed = text.trim()
  if (mode !== 'log' || trimmed.startsWith('{')) return trimmed
  const key = parsePrivateKey(trimmed)
  if (!key.ok) throw configurationError(`${shown(path)} contains no private key: ${key.why}`)
  const { kty, crv, x, d } = exportPrivateJwk(key.signer)
  return JSON.stringify({ kty, crv, x, d })
}
