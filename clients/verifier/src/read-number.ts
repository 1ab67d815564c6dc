/** Returns the value of a numeric option. Throws TypeError unless it is within the bounds. */
export function readNumber(name: string, value: number, least: number, most: number): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value
  throw new TypeError(`${name} must be a number from ${least} to ${most}`)
}
