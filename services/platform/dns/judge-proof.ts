import { type ProofSubject, readRecord } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'

/** The record to look for, and the domain's owner when another operator owns the domain. */
export interface WantedProof extends ProofSubject {
  /** Operator id of the owner; absent when the domain has no owner, or `operatorId` is the owner. */
  readonly incumbentId?: string
  /** Thumbprints of the operator's further root keys. A record may name any root key. */
  readonly otherRootKeys?: readonly string[]
}

/**
 * What a majority of the resolvers answers about the records of this issuer:
 *
 * - `proven`: there is one record, and it is the wanted record.
 * - `not-found`: there is no record.
 * - `mismatch`: there is one record, but it is neither the wanted record nor the owner's.
 * - `incumbent-present`: there is one record, and it is the owner's.
 * - `contested`: there are two or more records.
 * - `unavailable`: no majority gives any of these answers.
 */
export type ProofVerdict = 'proven' | 'not-found' | 'mismatch' | 'incumbent-present' | 'contested' | 'unavailable'

type View = Exclude<ProofVerdict, 'unavailable'>

/** Judges a proof by a strict majority of all resolvers. A failed resolver counts only in the total. */
export function judgeProof(answers: readonly TxtAnswer[], wanted: WantedProof): ProofVerdict {
  return majorityOf(answers, (answer) => viewOf(answer, wanted)) ?? 'unavailable'
}

/**
 * Returns the thumbprint that a majority of all resolvers has in the only record of this issuer, if this record is the
 * operator's. The thumbprint may be that of no key of the operator.
 */
export function readNamedKey(
  answers: readonly TxtAnswer[],
  { issuer, operatorId }: Pick<ProofSubject, 'issuer' | 'operatorId'>,
): string | undefined {
  const named = majorityOf(answers, (answer) => {
    const [text, ...others] = answer.kind === 'records' ? recordsOf(answer.records, issuer) : []
    const record = text === undefined || others.length > 0 ? undefined : readRecord(text, issuer)
    return record?.operatorId === operatorId ? record.thumbprint : undefined
  })
  return named === '' ? undefined : named
}

/** Returns whether a majority of all resolvers has the operator's record, with or without other records. */
export function isRecordSeen(answers: readonly TxtAnswer[], wanted: WantedProof): boolean {
  const hasRecord = (answer: TxtAnswer) =>
    answer.kind === 'records' && answer.records.some((text) => isProofOf(text, wanted))
  return majorityOf(answers, hasRecord) === true
}

/**
 * Returns the view that a strict majority of all resolvers has. An answer without a view counts only in the total.
 */
export function majorityOf<V>(
  answers: readonly TxtAnswer[],
  viewOfAnswer: (answer: TxtAnswer) => V | undefined,
): V | undefined {
  const counts = new Map<V, number>()
  for (const answer of answers) {
    const view = viewOfAnswer(answer)
    if (view !== undefined) counts.set(view, (counts.get(view) ?? 0) + 1)
  }
  return [...counts].find(([, count]) => isMajority(count, answers.length))?.[0]
}

function viewOf(answer: TxtAnswer, wanted: WantedProof): View | undefined {
  if (answer.kind === 'failed') return undefined
  if (answer.kind === 'absent') return 'not-found'
  const ofIssuer = recordsOf(answer.records, wanted.issuer)
  const [text] = ofIssuer
  if (text === undefined) return 'not-found'
  if (ofIssuer.length > 1) return 'contested'
  if (isProofOf(text, wanted)) return 'proven'
  const { operatorId } = readRecord(text, wanted.issuer) ?? {}
  return wanted.incumbentId !== undefined && operatorId === wanted.incumbentId ? 'incumbent-present' : 'mismatch'
}

/**
 * Returns the records of an issuer. An RRset contains each text once (RFC 2181 section 5), so a text that a server
 * sends twice is one record.
 */
export function recordsOf(records: readonly string[], issuer: string): readonly string[] {
  return [...new Set(records)].filter((text) => readRecord(text, issuer) !== undefined)
}

function isProofOf(text: string, { issuer, operatorId, thumbprint, otherRootKeys = [] }: WantedProof): boolean {
  const record = readRecord(text, issuer)
  return record?.operatorId === operatorId && [thumbprint, ...otherRootKeys].includes(record.thumbprint)
}

/** Tells whether a number of resolvers is a strict majority. */
function isMajority(count: number, all: number): boolean {
  return count * 2 > all
}
