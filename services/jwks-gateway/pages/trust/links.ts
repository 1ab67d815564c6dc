import type { GetTrustViewRequest } from '../../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { xmlText } from '../../../platform/layout/safe-text.ts'

/** Returns the link to the same view around another operator, or with an empty text to all of it, for an attribute. */
export function linkTo({ view }: Pick<GetTrustViewRequest, 'view'>, around: string): string {
  const query = new URLSearchParams({ ...(view !== '' && { view }), ...(around !== '' && { around }) })
  return xmlText(`?${query.toString()}`)
}
