/** A string of a JSON text, and the colon behind it if the string is the name of a member. */
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"\s*(:?)/g

/**
 * Tells whether an object of a JSON text has two members of one name. `value` is what JSON.parse has made of the text:
 * it keeps only the last of such members. So the value has fewer members than the text.
 */
export function hasRepeatedMember(text: string, value: unknown): boolean {
  return countMembers(value) < countNames(text)
}

function countNames(text: string): number {
  let count = 0
  STRING.lastIndex = 0
  for (let match = STRING.exec(text); match !== null; match = STRING.exec(text)) if (match[1] === ':') count += 1
  return count
}

/** Counts the members of all objects. It does not recurse, because JSON.parse accepts any depth. */
function countMembers(value: unknown): number {
  let count = 0
  const open = [value]
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    if (typeof each !== 'object' || each === null) continue
    const inner: unknown[] = Object.values(each)
    if (!Array.isArray(each)) count += inner.length
    for (const item of inner) if (typeof item === 'object') open.push(item)
  }
  return count
}
