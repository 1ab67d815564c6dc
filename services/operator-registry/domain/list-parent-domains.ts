/** Returns the host and its parent domains of two labels or more (an operator can own these), longest first. */
export function listParentDomains(host: string): string[] {
  const labels = host.split('.')
  return labels.slice(0, -1).map((_, at) => labels.slice(at).join('.'))
}
