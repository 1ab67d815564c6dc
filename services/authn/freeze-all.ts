/** Freezes a message with all its parts, so that ports can remember its encoding. */
export function freezeAll<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) freezeAll(part)
  return Object.freeze(value)
}
