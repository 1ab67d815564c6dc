import type { TrustExplanation, TrustLeg } from '@auth4agent/sdk'
import { describeLink, describeMissing } from '../../explanation-text.ts'
import type { FederationCast } from './cast.ts'

/** The widest line of a command, in characters. The narrator indents it by four. */
const WIDTH = 74

/** Writes the path of each need of a yes. */
export function pathLines(cast: FederationCast, { legs }: TrustExplanation): string[] {
  return legs.flatMap(({ leg, path, max_staleness_ms }) => {
    // The path of this leg are the issuers whose revocations matter.
    const heard = path.map(({ to }) => withLetters(cast, to ?? '')).join(' and ')
    const known = leg === 'freshness' && max_staleness_ms
    const links = known
      ? [`B hears of revocations at ${heard} within ${max_staleness_ms / 1_000} seconds`]
      : path.map((edge) => withLetters(cast, describeLink(edge)))
    return links.map((line, index) => `${(index === 0 ? leg : '').padEnd(11)} ${line}`)
  })
}

/** Writes what is missing for a no, and each way to mend it: who, and the command. */
export function missingLines(cast: FederationCast, { legs }: TrustExplanation): string[] {
  return legs.flatMap((leg) => {
    const wanted = describeMissing(leg)
    return wanted === undefined ? [] : [withLetters(cast, wanted), ...cureLines(leg)]
  })
}

function cureLines({ cures }: TrustLeg): string[] {
  return cures.flatMap(({ who, command }) => [`${who} can mend it:`, ...wrapCommand(command)])
}

/** Breaks a command before flags, so that it fits and can still be pasted. */
export function wrapCommand(command: string): string[] {
  const parts = command.split(/ (?=--)/)
  const rows: string[] = []
  for (const part of parts) {
    const last = rows.at(-1)
    if (last !== undefined && last.length + part.length < WIDTH) rows[rows.length - 1] = `${last} ${part}`
    else rows.push(rows.length === 0 ? `  ${part}` : `    ${part}`)
  }
  return rows.map((row, index) => (index === rows.length - 1 ? row : `${row} \\`))
}

/** Writes the letter of a deployment in place of its issuer. */
export function withLetters({ a, b, c }: FederationCast, text: string): string {
  return [a, b, c].reduce((told, { letter, issuer }) => told.replaceAll(issuer, letter), text)
}
