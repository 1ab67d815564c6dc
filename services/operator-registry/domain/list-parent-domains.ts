/** Returns the domains with two labels or more that cover a host, the host itself included, longest first. */
export function listParentDomains(host: string): string[] {
  const labels = host.split('.')
  return labels.slice(0, -1).map((_, at) => labels.slice(at).join('.'))
}
