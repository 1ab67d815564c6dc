import type { LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { append, event, HOUR_MS, head, JTI, NOW_MS, START } from './log-records.ts'
import { broken, Events, followed, knows, stream } from './log-watcher.ts'
import { NOW_S, OPERATOR_ID } from './parties.ts'

/** Makes other texts of a record and its head, or of a head, which are read or refused. */
export function spellings(events: Events): object[] {
  const whole = append(START, {
    operatorId: OPERATOR_ID,
    subject: JTI,
    recordedAt: NOW_MS,
    expiresAt: NOW_MS + HOUR_MS,
  })
  const last = withBothCharacters(whole)
  const good = event(last) + head(last, NOW_MS)
  const read = (name: string, text: string, at: LogPosition = last) =>
    followed(name, knows(at), stream(events.add(`a record and its head: ${name}`, text)))
  const bad = (name: string, text: string) => followed(name, broken, stream(events.add(name, text)))
  const atTime = (text: string) => head(last, NOW_MS).replace('.000Z', text)
  const base64 = Buffer.from(last.hash, 'hex').toString('base64')
  const base64url = Buffer.from(last.hash, 'hex').toString('base64url')
  const withHash = (text: string) => head(last).replace(base64, text)
  return [
    read('times with three decimals', good),
    read('times without decimals', good.replaceAll('.000Z', 'Z')),
    ...['.0Z', '.00Z', '.0000Z', '.Z', ',000Z', '.000z', '.000', '.000+00:00', ' Z'].map((text) =>
      bad(`a time that ends in 00${text}`, atTime(text)),
    ),
    bad('a time with a space in place of T', head(last).replace(/(\d)T(\d)/, '$1 $2')),
    bad('a time in Unix seconds', head(last).replace(/"observed_at":"[^"]*"/, `"observed_at":${NOW_S}`)),
    read('hashes in base64url', good.replaceAll(base64, base64url)),
    read('hashes in base64 without padding', good.replaceAll(base64, base64.replace('=', ''))),
    bad('a hash in both alphabets', withHash(base64.replace('/', '_'))),
    bad('a hash with unused bits set', withHash(`${base64url.slice(0, -1)}${nextCharacter(base64url)}`)),
    bad('a hash in hexadecimal', withHash(last.hash)),
    // A comment follows, because a reader may wait for the character after a last CR: it may be a LF.
    read('line ends of CR', `${good}: a comment\n`.replaceAll('\n', '\r')),
    // This stream begins without the retry line, because nothing may come before a byte order mark.
    followed('a byte order mark at the start of the stream', knows(last), [
      events.add('a byte order mark, a record and its head', `\uFEFF${good}`),
    ]),
    bad('a byte order mark in the data', head(last).replace('data: ', 'data: \uFEFF')),
    bad('a member with a leading zero', head(last).replace('"log_epoch":1', '"log_epoch":01')),
    bad('a sequence beyond 2^53', head(last).replace('"sequence":1', '"sequence":9007199254740993')),
    bad('a negative sequence', head(last).replace('"sequence":1', '"sequence":-1')),
    read('a sequence with a fraction of zero', good.replaceAll('"sequence":1', '"sequence":1.0')),
    bad('a sequence with a fraction', head(last).replace('"sequence":1', '"sequence":1.5')),
  ]
}

/** Returns the record with another jti, so that its hash in base64 has + and /, which differ between the alphabets. */
function withBothCharacters(record: RevocationRecord): RevocationRecord {
  for (let number = 0; ; number += 1) {
    const { hash: _, ...part } = record
    const other = append(START, { ...part, subject: `${JTI}-${number}` })
    const text = Buffer.from(other.hash, 'hex').toString('base64')
    if (text.includes('/') && text.includes('+')) return other
  }
}

/** Returns the character after the last one of a text. */
function nextCharacter(text: string): string {
  return String.fromCharCode(text.charCodeAt(text.length - 1) + 1)
}
