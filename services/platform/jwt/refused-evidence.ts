/** Thrown when evidence does not count. The message says which demand it does not meet, and contains no secret. */
export class RefusedEvidence extends Error {
  override readonly name = 'RefusedEvidence'
}
