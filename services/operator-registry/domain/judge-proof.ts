import { type ProofSubject, readRecord } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'

/** What is looked for, and who owns the domain if somebody else does. */
export interface WantedProof extends ProofSubject {
  /** Operator id of the present owner when it is another one. */
  readonly incumbentId?: string
}

/**
 * What the resolvers say together.
 * `proven`: ours is the only record of this issuer. `not-found`: there is none. `mismatch`: there is one of neither us nor the
 * incumbent. `incumbent-present`: only the incumbent's. `contested`: two or more. `unavailable`: no majority for any of these.
 */
export type ProofVerdict = 'proven' | 'not-found' | 'mismatch' | 'incumbent-present' | 'contested' | 'unavailable'

type View = Exclude<ProofVerdict, 'unavailable'>

/**
 * Judges a proof by a strict majority of all resolvers asked. One that failed speaks for nothing, and still counts among all.
 */
export function judgeProof(answers: readonly TxtAnswer[], wanted: WantedProof): ProofVerdict {
  const counts = new Map<View, number>()
  for (const answer of answers) {
    const view = viewOf(answer, wanted)
    if (view !== undefined) counts.set(view, (counts.get(view) ?? 0) + 1)
  }
  for (const [view, count] of counts) if (isMajority(count, answers.length)) return view
  return 'unavailable'
}

/** Whether an operator's record stands at a majority of all resolvers asked, alone or beside others. */
export function isRecordSeen(answers: readonly TxtAnswer[], wanted: ProofSubject): boolean {
  const seen = answers.filter(
    (answer) => answer.kind === 'records' && answer.records.some((text) => isProofOf(text, wanted)),
  )
  return isMajority(seen.length, answers.length)
}

function viewOf(answer: TxtAnswer, wanted: WantedProof): View | undefined {
  if (answer.kind === 'failed') return undefined
  if (answer.kind === 'absent') return 'not-found'
  // A set of DNS records holds each text once (RFC 2181 section 5); whoever sends one twice has still one.
  const ofIssuer = [...new Set(answer.records)].filter((text) => readRecord(text, wanted.issuer) !== undefined)
  const [text] = ofIssuer
  if (text === undefined) return 'not-found'
  if (ofIssuer.length > 1) return 'contested'
  if (isProofOf(text, wanted)) return 'proven'
  const { operatorId } = readRecord(text, wanted.issuer) ?? {}
  return wanted.incumbentId !== undefined && operatorId === wanted.incumbentId ? 'incumbent-present' : 'mismatch'
}

function isProofOf(text: string, { issuer, operatorId, thumbprint }: ProofSubject): boolean {
  const record = readRecord(text, issuer)
  return record?.operatorId === operatorId && record.thumbprint === thumbprint
}

function isMajority(count: number, all: number): boolean {
  return count * 2 > all
}
