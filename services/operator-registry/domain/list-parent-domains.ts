/** A host and all its parent domains that an operator can own: those of two labels or more, longest first. */
export function listParentDomains(host: string): string[] {
  const labels = host.split('.')
  return labels.slice(0, -1).map((_, at) => labels.slice(at).join('.'))
}
