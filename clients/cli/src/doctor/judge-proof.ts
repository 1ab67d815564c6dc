import { type ProofSubject, readRecord, recordName, recordValue } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import { type Finding, ok, problem, warning } from './finding.ts'

/** Answer of one resolver. */
export interface ResolverAnswer {
  /** Name for people: an address, or `of this machine` for the resolver of the system. */
  readonly resolver: string
  readonly answer: TxtAnswer
}

type View = 'proven' | 'absent' | 'mismatch' | 'contested' | 'failed'

/** Returns one finding for each resolver about the proof of a domain, which may also name one of `otherRoots`. */
export function judgeProof(
  answers: readonly ResolverAnswer[],
  domain: string,
  subject: ProofSubject,
  otherRoots: readonly string[] = [],
): readonly Finding[] {
  const views = answers.map(({ answer }) => viewOf(answer, subject, otherRoots))
  const isSeenSomewhere = views.includes('proven')
  return answers.map(({ resolver, answer }, index) => {
    const check = `dns ${resolver}`
    const publish = `Publish exactly one TXT record at ${recordName(domain)}: ${recordValue(subject)}`
    const why = answer.kind === 'failed' ? answer.why : ''
    const findings: Record<View, () => Finding> = {
      proven: () => ok(check, `the proof at ${recordName(domain)} is right`),
      absent: () =>
        isSeenSomewhere
          ? warning(
              check,
              `there is no proof at ${recordName(domain)}, but other resolvers see it`,
              'Wait until this resolver sees the proof: at most as long as the old TTL of the record.',
            )
          : problem(check, `there is no proof for this server at ${recordName(domain)}`, publish),
      mismatch: () => problem(check, `the proof at ${recordName(domain)} is for another operator or key`, publish),
      contested: () =>
        problem(
          check,
          `there are several proofs for this server at ${recordName(domain)}`,
          `Keep only this TXT record: ${recordValue(subject)}`,
        ),
      failed: () =>
        warning(
          check,
          `the resolver does not answer (${why})`,
          'Ask other resolvers with --resolver, or check the network.',
        ),
    }
    return findings[views[index] ?? 'failed']()
  })
}

function viewOf(answer: TxtAnswer, subject: ProofSubject, otherRoots: readonly string[]): View {
  if (answer.kind !== 'records') return answer.kind
  // Two equal records count as one.
  const ofIssuer = [...new Set(answer.records)].filter((text) => readRecord(text, subject.issuer) !== undefined)
  const [text] = ofIssuer
  if (text === undefined) return 'absent'
  if (ofIssuer.length > 1) return 'contested'
  const record = readRecord(text, subject.issuer)
  const roots = [subject.thumbprint, ...otherRoots]
  const isOurs = record?.operatorId === subject.operatorId && roots.includes(record.thumbprint)
  return isOurs ? 'proven' : 'mismatch'
}
