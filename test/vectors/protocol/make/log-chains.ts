import type { LogPosition } from '@auth4agent/core/revocation/revocation-log'
import { AGENT, append, DEPLOYMENT, event, JTI, KEY, OPERATOR, START, TOKEN } from './log-records.ts'
import { broken, Events, followed, knows, stream } from './log-watcher.ts'
import { OPERATOR_ID } from './parties.ts'

/** Makes streams in which the place of a record or a head in the log is right, or wrong. */
export function chains(events: Events): object[] {
  const headAt = (at: LogPosition) => events.head(at)
  const unchained = append({ ...START, hash: AGENT.hash }, { operatorId: OPERATOR_ID, subject: JTI })
  const first = events.add('record 1 with a previous hash', event(unchained))
  const fork = append({ ...AGENT, hash: TOKEN.hash }, { kind: 'operator', operatorId: OPERATOR_ID, minimumEpoch: 3 })
  const forked = events.add('record 3 of a fork', event(fork))
  const promoted = { ...DEPLOYMENT, logEpoch: 3 }
  const [one, two, three, four, five] = events.log()
  return [
    followed('the first record of a log that was empty', knows(TOKEN), stream(headAt(START), one)),
    followed('a record that does not follow an empty log', broken, stream(headAt(START), two)),
    followed('a first record with a previous hash, after an empty log', broken, stream(headAt(START), first)),
    followed('a record after a head without records', knows(OPERATOR), stream(headAt(AGENT), three)),
    followed('a gap after a head without records', broken, stream(headAt(AGENT), four)),
    followed('a fork after a head without records', broken, stream(headAt(AGENT), forked)),
    followed('a fork at a resumption', broken, stream(headAt(AGENT)), stream(forked)),
    followed('a record after the head: still whole', knows(AGENT), stream(one, headAt(TOKEN), two)),
    followed(
      'a cut after a record that followed the head: still whole',
      knows(AGENT),
      stream(one, headAt(TOKEN), two),
      stream(),
    ),
    followed(
      'a record of a later log epoch after a head: the position keeps the log epoch of the head',
      knows({ ...DEPLOYMENT, logEpoch: 1 }),
      stream(headAt(KEY), five),
    ),
    followed('a head of the log epoch of that record', broken, stream(headAt(KEY), five, headAt(DEPLOYMENT))),
    followed(
      'a first head with a smaller log epoch than the last record',
      broken,
      stream(four, five, headAt({ ...DEPLOYMENT, logEpoch: 1 })),
    ),
    followed(
      'a first head with a larger log epoch than the last record',
      knows(promoted),
      stream(four, five, headAt(promoted)),
    ),
    followed('a second head with a smaller log epoch', broken, stream(headAt(promoted), headAt(DEPLOYMENT))),
  ]
}
