import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { manifestDemand, parseOperatorManifest } from '@auth4agent/core/identity/parse-operator-manifest'
import { isSignedByRoot } from '@auth4agent/core/identity/verify-manifest-chain'
import { parseTrustStatement } from '@auth4agent/core/trust/parse-statement'
import type { OperatorRequest } from '@auth4agent/sdk'
import { CliError } from './cli-error.ts'
import { describeStatement } from './describe-statement.ts'
import { notesOf, type ShownKeys } from './key-table.ts'
import { plain } from './text.ts'
import { writeTime } from './times.ts'

/** What a prepared request does, for the person who approves it. */
export interface Described {
  /** Lines for people. */
  readonly text: string
  readonly json: unknown
}

/**
 * Says what a prepared request changes. `current` are the keys in force; undefined if the server was not asked.
 *
 * Throws CliError for a request that needs no approval, for a manifest that is not valid, and for one that does not
 * follow the keys in force.
 */
export function describeRequest({ operatorId, issuer, rpc, body }: OperatorRequest, current?: ShownKeys): Described {
  const content = parse(body)
  if (isCall(rpc, 'POST', operatorId, 'release')) {
    const reason = typeof content.reason === 'string' ? content.reason : ''
    const text = `gives up the domain of the operator for good${reason === '' ? '' : `: ${plain(reason)}`}`
    return { text, json: { gives_up_domain: true, reason } }
  }
  if (isCall(rpc, 'POST', operatorId, 'trust')) return describeTrust(content.statement, operatorId)
  const ended = /\/trust\/([0-9a-f-]{36})\/revoke$/.exec(rpc)?.[1]
  if (ended !== undefined && isCall(rpc, 'POST', operatorId, `trust/${ended}/revoke`)) {
    return describeEnd(ended, content.reason)
  }
  const { manifest: text } = content
  if (!isCall(rpc, 'PUT', operatorId, 'keys') || typeof text !== 'string') {
    throw refused(
      'The request is no change of the keys, no trust statement and no end of one, and does not give up the domain',
    )
  }
  const rules = { operatorId, issuer }
  const parsed = parseOperatorManifest(text, rules)
  if (!parsed.ok) throw refused(manifestDemand(parsed, rules))
  const next: ShownKeys = parsed.manifest
  if (current !== undefined && next.seq !== current.seq + 1) {
    throw refused(`The request is for the manifest ${next.seq}, but the manifest in force is ${current.seq}`)
  }
  if (current !== undefined && !isSignedByRoot(parsed, current.rootKeys)) {
    throw refused('The manifest of the request is not signed by a root key in force')
  }
  const changes = current === undefined ? listed(next) : differences(current, next)
  return { text: changes.join('\n'), json: { seq: next.seq, changes } }
}

/** Says what a trust statement means. The server checks that a root key of the operator has signed it. */
function describeTrust(statement: unknown, operatorId: string): Described {
  const parsed = parseTrustStatement(typeof statement === 'string' ? statement : '')
  if (!parsed.ok) throw refused(parsed.text)
  if (parsed.statement.iss !== operatorId) throw refused('The trust statement of the request is by another operator')
  const means = plain(describeStatement(parsed.statement))
  return { text: means, json: { means } }
}

/** Says that a trust statement ends. The request has only its id, and `trust list` shows what it means. */
function describeEnd(jti: string, given: unknown): Described {
  const reason = typeof given === 'string' ? given : ''
  const text = `ends the trust statement ${jti}, which may be a block${reason === '' ? '' : `: ${plain(reason)}`}`
  return { text, json: { ends_statement: jti, reason } }
}

/** Tells whether a request is this call. The path may have a prefix, because the server may have one. */
function isCall(rpc: string, method: string, operatorId: string, verb: string): boolean {
  return rpc.startsWith(`${method} /`) && rpc.endsWith(`/v1/operators/${operatorId}/${verb}`)
}

/** Lists what a manifest contains, one line for each key. */
function listed({ threshold, rootKeys, keys }: ShownKeys): readonly string[] {
  return [`threshold: ${threshold}`, ...rootKeys.map(rootLine), ...keys.map(keyLine)]
}

/** Lists what differs between two manifests: `+` for a new line, `-` for one that is gone. */
function differences(before: ShownKeys, after: ShownKeys): readonly string[] {
  const [old, now] = [listed(before), listed(after)]
  const gone = old.filter((line) => !now.includes(line)).map((line) => `- ${line}`)
  const added = now.filter((line) => !old.includes(line)).map((line) => `+ ${line}`)
  return gone.length + added.length === 0 ? ['no change'] : [...gone, ...added]
}

function rootLine({ label, kid }: ShownKeys['rootKeys'][number]): string {
  return `root key ${plain(label)}, ${kid}`
}

function keyLine({ label, kid, roles, exp, ...key }: ShownKeys['keys'][number]): string {
  const notes = notesOf(key)
  const [terms, note] = [`${roles.join(' ')}, until ${writeTime(exp)}`, notes === '' ? '' : `, ${notes}`]
  return `key ${plain(label)}, ${terms}, ${kid}${note}`
}

function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(body)
    return isJsonObject(json) ? json : {}
  } catch {
    return {}
  }
}

function refused(message: string): CliError {
  return new CliError(message, {
    reason: 'REQUEST_REFUSED',
    exit: 'refused',
    hint: 'Ask its author for a new request.',
  })
}
