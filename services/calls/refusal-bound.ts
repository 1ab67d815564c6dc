import { createLimiter, type Rate } from '../platform/limits/limits.ts'

/**
 * Creates the function that decides whether a refusal of a caller gets a record in the audit. A caller that fails all
 * the time must not fill the audit. `leftOut` is called for each refusal without a record.
 */
export function createRefusalBound(
  rate: Rate,
  leftOut: () => void,
  now = () => performance.now(),
): (caller: string) => boolean {
  const limiter = createLimiter<'refusal'>(now)
  return (caller) => {
    const isRecorded = limiter('refusal', 'subject', caller, rate) === 0
    if (!isRecorded) leftOut()
    return isRecorded
  }
}
