import {
  isRevocationKind,
  type RevocationKind,
  type RevocationRecord,
} from '@auth4agent/core/revocation/revocation-log'

type Content = Pick<RevocationRecord, 'kind' | 'subject' | 'minimumEpoch'>

const before = ({ minimumEpoch }: Content) => `tokens before epoch ${minimumEpoch}`

const TEXTS: Readonly<Record<RevocationKind, (record: Content) => string>> = {
  token: ({ subject }) => subject,
  agent: (record) => `${record.subject}: ${before(record)}`,
  operator: (record) => `all agents: ${before(record)}`,
  key: ({ subject }) => `${subject}: all tokens that it signed`,
  deployment: (record) => `all operators: ${before(record)}`,
  issuer: ({ subject, minimumEpoch }) => `${subject}: all trust before generation ${minimumEpoch}`,
  edge: ({ subject }) => `${subject}: all trust through this edge`,
}

/** Says in one line what a record of the revocation log ends. */
export function describeRecord(record: Content): string {
  const { kind, subject } = record
  if (isRevocationKind(kind)) return TEXTS[kind](record)
  return `${subject} (unknown kind of record: install a newer version of this tool)`
}
