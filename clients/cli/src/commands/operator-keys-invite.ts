import { type KeyRequest, type Operator, readKeyRequest } from '@auth4agent/sdk'
import { CliError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { operatorFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { changeKeys, keySetFlags, openKeySet, withoutKey } from '../key-set.ts'
import { checkLabel, readRoles, readValidity, termFlags } from '../key-terms.ts'
import { openOperator } from '../parties.ts'
import { shared } from '../shared-flags.ts'
import { columns, lines, plain } from '../text.ts'
import { writeTime } from '../times.ts'

/** Milliseconds between two looks at the requests. */
const LOOK_MS = 2_000
/** How long the command waits, in milliseconds: as long as the invitation lasts. */
const WAIT_MS = 3_570_000

const inviteFlags = {
  ...keySetFlags,
  role: { ...termFlags.role, required: true },
  expires: termFlags.expires,
  label: { ...shared.label, more: 'the person and the device', required: true },
  person: {
    kind: 'text',
    value: 'NAME',
    help: 'the person; two keys of one person count once where several must agree',
  },
  'no-wait': {
    kind: 'boolean',
    help: 'print the link and end; `operator-key add --waiting KID` adds the passkey later',
  },
  yes: { ...shared.yes, more: 'so whoever has the link gets the roles' },
} as const

/** `operator-key invite`: invites a person to make a passkey, and adds it. */
export const inviteOperatorKey = defineCommand({
  help: [
    'Prints a link with which one person can make a passkey with these roles, once, within an hour. The link is a secret until it is used. The command then waits, shows the thumbprint of the passkey, and asks whether to add it. Compare the thumbprint with the person over the phone: whoever had the link could have used it.',
    'Only a root key can do this. The passkey expires after 90 days unless --expires says otherwise.',
    'If the operator has a threshold, --prepare FILE writes the request that further root keys approve.',
  ],
  examples: [
    {
      does: 'a passkey for Alice, who manages agents',
      line: 'auth4agent operator-key invite --label "alice, phone" --person Alice --role agents.manage,audit.read',
    },
    {
      does: 'only the link, to add the passkey later',
      line: 'auth4agent operator-key invite --label bob --role agents.revoke --no-wait --quiet',
    },
  ],
  flags: inviteFlags,
  async run(context) {
    const { flags, now, note, json, quiet } = context
    const [label, roles] = [checkLabel(flags.required('label')), readRoles(flags.list('role'))]
    const [person, validity] = [flags.text('person'), readValidity(flags.text('expires'), now())]
    const waits = !flags.on('no-wait')
    if (waits && (json || quiet)) {
      throw usageError('--no-wait is missing: with --json or --quiet nobody would see the link while the tool waits')
    }
    if (waits && context.ask === undefined && !flags.on('yes')) {
      throw usageError(
        'Nobody can be asked here',
        'Add --no-wait, and later run `auth4agent operator-key add --waiting`',
      )
    }
    const opened = await openKeySet(context)
    const { jti, link } = await invitationOf(() => opened.operator.keys.invite({ label, roles, person }))
    if (!waits) {
      context.answer({ link, jti }, `invitation made\n\n${lines({ link })}\n\nThe link works once, for an hour.`, link)
      return
    }
    note('Send this link to the person. It works once, for an hour:')
    note(link)
    const wanted = await context.progress('waiting for the passkey', answerOf(opened.operator, jti, context))
    if (wanted.label !== label || wanted.person !== person || wanted.roles.join() !== roles.join()) {
      throw refused('The request does not have the terms of the invitation')
    }
    await confirm(wanted, context)
    const after = await openKeySet(context)
    const { threshold, rootKeys } = after.current
    const keys = { threshold, rootKeys, keys: [...withoutKey(after.current.keys, wanted.kid), keyOf(wanted, validity)] }
    await changeKeys(context, after, { keys, done: `key added: ${plain(label)}`, result: wanted.kid })
  },
})

/** `operator-key list-requests`: lists the requests for passkeys that wait. */
export const listKeyRequests = defineCommand({
  help: ['Lists the requests for passkeys that wait for a root key, oldest first.'],
  examples: [{ does: 'all that wait', line: 'auth4agent operator-key list-requests' }],
  flags: operatorFlags,
  async run(context) {
    const operator = await openOperator(context)
    const waiting = await context.progress('asking the server', operator.keys.listRequests())
    const read = await Promise.all(waiting.map(async ({ request }) => readKeyRequest(request).catch(() => undefined)))
    const requests = read.flatMap((request) => (request === undefined ? [] : [request]))
    const rows = requests.map(({ kid, label, roles, person = '', iat }) => [
      plain(label),
      roles.join(','),
      plain(person),
      writeTime(iat),
      kid,
    ])
    const text = rows.length === 0 ? 'no requests' : columns([['LABEL', 'ROLES', 'PERSON', 'SIGNED', 'KID'], ...rows])
    const json = requests.map(({ kid, label, roles, person, iat }) => ({
      kid,
      label,
      roles,
      person,
      signed_at: writeTime(iat),
    }))
    context.answer(
      { requests: json },
      text,
      requests.map(({ kid }) => kid),
    )
  },
})

/** `operator-key drop-request`: removes a request that waits. */
export const dropKeyRequest = defineCommand({
  help: ['Removes a request for a passkey that waits. Its invitation stays used. It needs the role people.'],
  examples: [
    {
      does: 'a request of a stranger',
      line: 'auth4agent operator-key drop-request kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    },
  ],
  arguments: [
    { name: 'KID', help: 'thumbprint of the passkey, as `operator-key list-requests` shows it', required: true },
  ],
  flags: operatorFlags,
  async run(context) {
    const [kid = ''] = context.arguments
    const operator = await openOperator(context)
    await context.progress('removing', operator.keys.dropRequest(kid))
    context.answer({ kid }, 'no such request waits', kid)
  },
})

/** Finds a request that waits by the thumbprint of its passkey. Throws CliError if none waits. */
export async function findWaiting(operator: Operator, kid: string): Promise<KeyRequest> {
  const found = (await operator.keys.listRequests()).find((each) => each.kid === kid)
  const read = found && (await readKeyRequest(found.request).catch(() => undefined))
  if (read?.kid === kid) return read
  throw usageError('No request with this thumbprint waits', '`auth4agent operator-key list-requests` lists them.')
}

/** Returns the key of a request, as the manifest lists it. */
export function keyOf(
  { jwk, label, roles, webauthn, person }: Pick<KeyRequest, 'jwk' | 'label' | 'roles' | 'webauthn' | 'person'>,
  validity: { readonly nbf: number; readonly exp: number },
) {
  const more = { ...(webauthn && { webauthn }), ...(person !== undefined && { person }) }
  return { jwk, label, roles, ...validity, ...more }
}

async function invitationOf<T>(sign: () => Promise<T>): Promise<T> {
  try {
    return await sign()
  } catch (error) {
    throw error instanceof TypeError ? usageError(error.message) : error
  }
}

/** Waits for the request that answers an invitation. Only a root key of this folder could make the invitation. */
async function answerOf(
  operator: Operator,
  jti: string,
  { now, pause }: Context<typeof inviteFlags>,
): Promise<KeyRequest> {
  for (const until = now() + WAIT_MS; now() < until; await pause(LOOK_MS)) {
    for (const { request } of await operator.keys.listRequests()) {
      const read = await readKeyRequest(request).catch(() => undefined)
      if (read?.nonce === jti && read.webauthn !== undefined) return read
    }
  }
  throw refused('Nobody has used the invitation in time')
}

/** Shows the thumbprint and asks. Throws CliError without a clear yes. */
async function confirm(wanted: KeyRequest, { ask, flags, note }: Context<typeof inviteFlags>): Promise<void> {
  note(`passkey: ${wanted.kid}`)
  note(`label: ${wanted.label}`)
  note(`roles: ${wanted.roles.join(' ')}`)
  if (flags.on('yes') || ask === undefined) return
  if (/^y(es)?$/i.test((await ask('Does the person read the same thumbprint to you? Add the passkey? [y/N] ')).trim()))
    return
  throw usageError('The passkey was not added, because the answer was not yes', 'The request waits for 24 hours.')
}

function refused(message: string): CliError {
  return new CliError(message, { reason: 'REQUEST_REFUSED', exit: 'refused', hint: 'Make a new invitation.' })
}
