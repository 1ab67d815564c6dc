import { plain } from './text.ts'
import { writeTime } from './times.ts'

const DAY_S = 86_400
/** A key that ends sooner needs a new expiry now. */
const SOON_DAYS = 14

/**
 * Returns the sentence that warns of a key that expires within 14 days or has expired, or undefined. `exp` and `nowS`
 * are in Unix seconds.
 */
export function expiryWarning(label: string, exp: number, nowS: number): string | undefined {
  const days = Math.floor((exp - nowS) / DAY_S)
  if (days >= SOON_DAYS) return undefined
  const name = plain(label)
  if (exp <= nowS) return `The key ${name} expired at ${writeTime(exp)}`
  const left = days < 1 ? 'in less than a day' : `in ${days} ${days === 1 ? 'day' : 'days'}`
  return `The key ${name} expires ${left}, at ${writeTime(exp)}`
}

/** What a holder of a root key does about a key that expires. */
export const EXPIRY_CURE = 'A holder of a root key extends it: `auth4agent operator-key update LABEL --expires 90d`'
