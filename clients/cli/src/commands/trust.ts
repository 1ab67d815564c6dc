import { isUuid } from '@auth4agent/core/encoding/uuid'
import { parseTrustDraft } from '@auth4agent/core/trust/read-draft'
import { STATEMENT_KINDS, type TrustDraft } from '@auth4agent/core/trust/statement'
import type { NewStatement, Operator, TrustStatementRecord } from '@auth4agent/sdk'
import { readText, writeText } from '@auth4agent/sdk/node'
import { configurationError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags, reasonFlag } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { describeStatement } from '../describe-statement.ts'
import { keySetFlags } from '../key-set.ts'
import { approvalLines } from '../next-line.ts'
import { openOperator, openRoot, viewOperator } from '../parties.ts'
import { writeRequest } from '../request-file.ts'
import { shared } from '../shared-flags.ts'
import { columns, lines, plain } from '../text.ts'
import { readFutureTime } from '../times.ts'

const signFlags = {
  ...operatorFlags,
  expires: { ...shared.expires, more: '90d by default' },
  prepare: keySetFlags.prepare,
} as const

const offerFlags = {
  ...signFlags,
  kind: {
    ...shared.kind,
    more: 'lets-call (the default), accepts-members-of, member, blocks or chains-to',
    choices: STATEMENT_KINDS,
  },
  audience: { ...shared.audience, more: 'your API, which the agents may call' },
  'map-scope': {
    aliases: ['scope'],
    kind: 'list',
    value: 'SCOPE=VALUES',
    help: "a scope of the caller's token, and the scopes that it stands for at your API, separated by commas",
  },
  depth: {
    kind: 'text',
    value: 'NUMBER',
    help: 'for accepts-members-of: 1, or 2 for members of members',
    choices: ['1', '2'],
  },
  domain: { ...shared.domain, more: 'of the other one, needed with --home' },
  home: { ...shared.home, more: 'of the other one, if its deployment is not yours' },
  at: { kind: 'list', value: 'ISSUER', help: 'deployment where the statement counts; by default yours' },
  public: { kind: 'boolean', help: 'let everyone read the statement, not only its two parties' },
  file: { ...shared.file, more: 'the whole draft as JSON, in place of the other flags' },
} as const

/** `trust offer`: signs a trust statement about another operator, and puts it into force. */
export const offerTrust = defineCommand({
  help: [
    'Signs a trust statement with your root key, and puts it into force. OPERATOR is the id of the other operator; for chains-to it is left out, and --home names the issuer. The command says in one sentence what the statement means.',
    'A newer statement of the same kind about the same operator takes the place of the one before. If it allows less, tokens that the one before allowed end.',
  ],
  examples: [
    {
      does: 'let the agents of another operator call your API with one scope',
      line: 'auth4agent trust offer aaaaaaaa-1111-8111-8111-111111111111 --audience https://api.example.com --map-scope orders:read=read',
    },
    {
      does: 'block an operator, whatever other statements say',
      line: 'auth4agent trust offer aaaaaaaa-1111-8111-8111-111111111111 --kind blocks',
    },
  ],
  flags: offerFlags,
  arguments: [{ name: 'OPERATOR', help: 'id of the other operator' }],
  async run(context) {
    const operator = await openRoot(context)
    const file = context.flags.text('file')
    const draft = file === undefined ? await draftOf(context, operator) : await readDraft(file)
    await put(context, operator, draft)
  },
})

/** `trust accept`: signs a draft that another operator has proposed. */
export const acceptTrust = defineCommand({
  help: [
    'Signs a draft that another operator has proposed, and puts it into force. Without --yes it says what the statement would mean, and signs nothing. `auth4agent trust list --proposals` lists the drafts.',
  ],
  examples: [
    {
      does: 'sign a proposal after you have read what it means',
      line: 'auth4agent trust accept 0190aaaa-0000-7000-8000-000000000001 --yes',
    },
  ],
  flags: { ...signFlags, yes: { ...shared.yes, more: 'sign it' } },
  arguments: [{ name: 'PROPOSAL', help: 'id of the proposal', required: true }],
  async run(context) {
    const [id = ''] = context.arguments
    const operator = await openRoot(context)
    const proposals = await context.progress('asking the server', operator.trust.proposals())
    const proposal = proposals.find(({ proposal_id }) => proposal_id === id)
    if (proposal === undefined) throw usageError(`No proposal ${plain(id)} waits for your signature`)
    const draft = checkDraft(proposal.draft)
    // The server could show the draft of another signer, and the root key must not sign that.
    if (draft.iss !== operator.id) throw usageError('The proposal is for another operator')
    if (!context.flags.on('yes')) {
      throw usageError(`--yes is missing: ${plain(describeStatement(draft))}`, 'To sign this statement, add --yes')
    }
    await put(context, operator, draft)
  },
})

/** `trust dismiss`: deletes a draft that another operator has proposed. */
export const dismissTrust = defineCommand({
  help: [
    'Deletes a draft that another operator has proposed, without signing it. For 30 days that operator cannot propose to you again, nor can operators of its domain and below, unless you sign a statement about it. `auth4agent trust list --proposals` lists the drafts.',
  ],
  examples: [
    {
      does: 'get rid of a proposal',
      line: 'auth4agent trust dismiss 0190aaaa-0000-7000-8000-000000000001 --reason "unknown to us"',
    },
  ],
  flags: { ...operatorFlags, ...reasonFlag },
  arguments: [{ name: 'PROPOSAL', help: 'id of the proposal', required: true }],
  async run(context) {
    const [id = ''] = context.arguments
    const operator = await openOperator(context)
    const dismissed = await context.progress(
      'dismissing the proposal',
      operator.trust.dismiss(id, context.flags.text('reason')),
    )
    const { proposer_id, refused_until } = dismissed
    const facts = lines({ proposal: id, proposer: proposer_id, 'refused until': refused_until })
    context.answer(dismissed, `proposal dismissed\n\n${facts}`, [id])
  },
})

/** `trust list`: lists trust statements, or proposals. */
export const listTrust = defineCommand({
  help: [
    'Lists the trust statements that you have signed and those that name you, newest first. With --proposals, it lists the drafts that wait for your signature, and what each of them would mean.',
  ],
  examples: [
    { does: 'the statements that count or wait', line: 'auth4agent trust list' },
    { does: 'the drafts that other operators have proposed', line: 'auth4agent trust list --proposals' },
  ],
  flags: {
    ...operatorFlags,
    'with-ended': { kind: 'boolean', help: 'list ended and expired statements too' },
    proposals: { kind: 'boolean', help: 'list the drafts that wait for your signature' },
  },
  async run(context) {
    const { flags, progress, answer } = context
    const operator = await openOperator(context)
    if (flags.on('proposals')) {
      const found = await progress('asking the server', operator.trust.proposals())
      const rows = found.map(({ proposal_id, draft }) => [proposal_id, meaningOf(draft)])
      return answer(found, found.length === 0 ? 'no proposals' : columns([['ID', 'MEANS'], ...rows]), columns(rows))
    }
    const found = await progress('asking the server', readAll(operator, flags.on('with-ended')))
    const rows = found.map(({ jti, state, kind, signer, subject, version, expires_at }) => [
      jti,
      state,
      kind,
      signer.domain,
      subject.domain || subject.home,
      String(version),
      expires_at,
    ])
    const header = ['JTI', 'STATE', 'KIND', 'SIGNER', 'SUBJECT', 'VERSION', 'EXPIRES']
    answer(found, found.length === 0 ? 'no statements' : columns([header, ...rows]), columns(rows))
  },
})

async function readAll(operator: Operator, withEnded: boolean): Promise<readonly TrustStatementRecord[]> {
  const found: TrustStatementRecord[] = []
  for await (const statement of operator.trust.list({ withEnded })) found.push(statement)
  return found
}

/** `trust revoke`: ends a trust statement. */
export const revokeTrust = defineCommand({
  help: [
    'Ends a trust statement of yours with all its versions. As soon as the command ends, no online verifier accepts what it allowed.',
    'The end of a block lets others call again, so it needs the root key. If the operator has a threshold, --prepare FILE writes the request that further root keys approve.',
  ],
  examples: [
    {
      does: 'after a contract has ended',
      line: 'auth4agent trust revoke 0190aaaa-0000-7000-8000-000000000001 --reason "contract ended"',
    },
  ],
  flags: { ...operatorFlags, ...reasonFlag, prepare: keySetFlags.prepare },
  arguments: [{ name: 'JTI', help: 'id of the statement', required: true }],
  async run(context) {
    const [jti = ''] = context.arguments
    const file = context.flags.text('prepare')
    if (file !== undefined) {
      const operator = await openRoot(context)
      const request = operator.trust.prepareRevoke(jti, context.flags.text('reason'))
      await writeText(file, writeRequest(request), { replacesLink: true })
      const how = approvalLines(context.place, file)
      return context.answer({ prepared: file }, `request written to ${file}\n\nnext:\n${how}`, file)
    }
    const operator = await openOperator(context)
    const ended = await context.progress(
      'ending the statement',
      operator.trust.revoke(jti, context.flags.text('reason')),
    )
    const { state, kind, ended_at } = ended
    context.answer(ended, `statement ended\n\n${lines({ jti, kind, state, ended_at })}`, [jti])
  },
})

/** Signs a draft, and sends it or writes the request to the file of --prepare. */
async function put(context: Context<typeof signFlags>, operator: Operator, draft: TrustDraft): Promise<void> {
  const { flags, progress, answer, now } = context
  const until = flags.text('expires')
  const exp = until === undefined ? undefined : readFutureTime('--expires', until, now())
  const statement = await progress('signing', operator.trust.sign(draft, { exp }))
  const means = plain(describeStatement(draft))
  const file = flags.text('prepare')
  if (file !== undefined) {
    await writeText(file, writeRequest(operator.trust.prepare(statement)), { replacesLink: true })
    const how = approvalLines(context.place, file)
    return answer({ prepared: file, means }, `request written to ${file}\n\n${means}\n\nnext:\n${how}`, file)
  }
  const put = await progress('putting the statement into force', operator.trust.put(statement))
  const { jti, state, version, expires_at } = put
  answer({ ...put, means }, `statement ${state}\n\n${means}\n\n${lines({ jti, version, expires_at })}`, [jti])
}

async function draftOf(context: Context<typeof offerFlags>, operator: Operator): Promise<TrustDraft> {
  const { flags } = context
  const kind = STATEMENT_KINDS.find((known) => known === flags.text('kind')) ?? 'lets-call'
  const audience = flags.text('audience')
  const scopes = Object.fromEntries(flags.list('map-scope').map(readScope))
  const isGrant = audience !== undefined || Object.keys(scopes).length > 0
  const depth = flags.text('depth')
  const at = flags.list('at')
  const statement: NewStatement = {
    kind,
    subject: await subjectOf(context),
    ...(isGrant && { grants: [{ audience: audience ?? '', scopes }] }),
    ...(depth !== undefined && { depth: depth === '2' ? 2 : 1 }),
    ...(at.length > 0 && { aud: at }),
    visibility: flags.on('public') ? 'public' : 'parties',
  }
  return operator.trust.draft(statement).catch((error: unknown) => {
    throw error instanceof TypeError ? usageError(error.message) : error
  })
}

/** Returns the subject of the statement. The server knows the domain of an operator of its own. */
async function subjectOf(context: Context<typeof offerFlags>): Promise<NewStatement['subject']> {
  const [operatorId] = context.arguments
  const [home, domain] = [context.flags.text('home'), context.flags.text('domain')]
  if (operatorId === undefined) return { home }
  if (!isUuid(operatorId)) throw usageError('OPERATOR must be an operator id, a UUID in lower case')
  if (home !== undefined || domain !== undefined) return { operatorId, home, domain }
  const other = await viewOperator(context, operatorId)
  return { operatorId, domain: (await context.progress('asking the server', other.status())).domain }
}

function readScope(text: string): readonly [string, readonly string[]] {
  const [scope = '', values] = text.split('=', 2)
  if (values === undefined)
    throw usageError('--map-scope must be SCOPE=VALUES', 'For example: --map-scope orders:read=read')
  return [scope, values.split(',')]
}

async function readDraft(path: string): Promise<TrustDraft> {
  const text = await readText(path)
  if (text === undefined) throw configurationError(`There is no file ${path}`, 'It must have a draft as JSON.')
  try {
    return checkDraft(JSON.parse(text))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw usageError(`The file ${path} must have a draft as JSON`)
  }
}

function checkDraft(value: unknown): TrustDraft {
  const parsed = parseTrustDraft(value)
  if (!parsed.ok) throw usageError(parsed.text)
  return parsed.draft
}

function meaningOf(value: unknown): string {
  const parsed = parseTrustDraft(value)
  return parsed.ok ? describeStatement(parsed.draft) : `not a draft: ${parsed.text}`
}
