/**
 * Returns a domain and all domains above it, for example `a.b.example`, `b.example` and `example`.
 */
export function domainsAbove(domain: string): readonly string[] {
  const labels = domain.split('.')
  return labels.map((_, at) => labels.slice(at).join('.'))
}
