import { type ProofSubject, RECORD_VERSION, recordName, recordValue } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import type { ProofVerdict } from '../../platform/dns/judge-proof.ts'

/** Why a domain is not confirmed: `reason` in a successful answer of ConfirmDomain. */
export type Unconfirmed =
  | 'TXT_RECORD_NOT_FOUND'
  | 'TXT_RECORD_MISMATCH'
  | 'DNS_UNAVAILABLE'
  | 'INCUMBENT_PRESENT'
  | 'TAKEOVER_PENDING'

/** A verdict that neither proves the domain nor is a conflict. */
export type FailedVerdict = Exclude<ProofVerdict, 'proven' | 'contested'>

const REASONS = {
  'not-found': 'TXT_RECORD_NOT_FOUND',
  mismatch: 'TXT_RECORD_MISMATCH',
  'incumbent-present': 'INCUMBENT_PRESENT',
  unavailable: 'DNS_UNAVAILABLE',
} as const satisfies Record<FailedVerdict, Unconfirmed>

const MAX_SHOWN = 3
const MAX_SHOWN_CHARACTERS = 200

/** Explains why a proof failed: which record the server looked for, what it found, and what to do. */
export function explainProof(
  verdict: FailedVerdict,
  answers: readonly TxtAnswer[],
  { domain, ...subject }: ProofSubject & { readonly domain: string },
): { readonly reason: Unconfirmed; readonly message: string } {
  const wanted = `Looked for the TXT record "${recordValue(subject)}" at ${recordName(domain)}.`
  return { reason: REASONS[verdict], message: `${wanted} ${DESCRIPTIONS[verdict](answers)}` }
}

/** Explains that the record of an owner names a key that is none of its root keys. */
export function explainFreeze(domain: string): string {
  return (
    `The record at ${recordName(domain)} names a key that is no root key of the operator. The operator is frozen: it ` +
    'can only take authority away and set its root keys. Publish a record that names one of the root keys, or set ' +
    'root keys that contain the key in the record. Tokens stay valid.'
  )
}

const DESCRIPTIONS: Readonly<Record<FailedVerdict, (answers: readonly TxtAnswer[]) => string>> = {
  'not-found': () =>
    'Found no record of this server there. Publish the record, wait until DNS has it, and confirm again.',
  mismatch: (answers) => `Found ${seen(answers)} instead. Publish the record exactly as given, and confirm again.`,
  'incumbent-present': (answers) =>
    `Found the record of the domain's owner instead: ${seen(answers)}. Replace that record, and confirm again.`,
  unavailable: (answers) => `No majority of the resolvers gave the same answer (${outcomes(answers)}). Try again.`,
}

function seen(answers: readonly TxtAnswer[]): string {
  const records = new Set(answers.flatMap((answer) => (answer.kind === 'records' ? answer.records : [])))
  const proofs = [...records].filter((text) => text.startsWith(`v=${RECORD_VERSION}`))
  return proofs.slice(0, MAX_SHOWN).map(shown).join(' and ')
}

/** Quotes at most 200 characters of a record as printable ASCII, because a record in DNS can contain any text. */
function shown(text: string): string {
  return JSON.stringify(text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MAX_SHOWN_CHARACTERS))
}

function outcomes(answers: readonly TxtAnswer[]): string {
  return answers.map((answer) => (answer.kind === 'failed' ? answer.why : answer.kind)).join(', ')
}
