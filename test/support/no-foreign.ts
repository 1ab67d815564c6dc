import type { VerifyForeign } from '../../services/trust/index.ts'

/** A deployment that has admitted no foreign issuer. */
export const noForeign: VerifyForeign = async () => ({ valid: false, reason: 'ISSUER_NOT_TRUSTED', revoked: false })
