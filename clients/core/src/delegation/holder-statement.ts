import { isJsonObject, type JsonObject } from '../encoding/strict-json.ts'
import { DID, DIGEST, type Form, OPERATOR_ID } from '../key-events/claim-forms.ts'
import { readLifetime } from './grant-claims.ts'
import { checkRestrictions, EPOCHS, ISSUER } from './grant-forms.ts'
import { GRANT_ALGORITHM, HOLDER_STATEMENT_TYPE, type Holder, type Lifetime, MAX_GRANT_BYTES } from './grant-types.ts'
import { type GrantKey, type GrantKeys, verifyByIssuer } from './issuer-signature.ts'
import { type GrantRefusal, refuseGrant } from './refusal.ts'
import { readPayload, splitText, type TextRules } from './signed-text.ts'

/** What the issuer says about an agent: its key and its epochs, at a time. */
export interface HolderStatement extends Holder, Lifetime {
  /** RFC 7638 thumbprint of the agent's key. */
  readonly jkt: string
}

/** A genuine statement, and the issuer's key that signed it. */
export interface VerifiedStatement {
  readonly ok: true
  readonly statement: HolderStatement
  readonly key: GrantKey
}

const RULES: TextRules = {
  name: 'the holder statement',
  reason: 'HOLDER_UNKNOWN',
  maxBytes: MAX_GRANT_BYTES,
  algs: [GRANT_ALGORITHM],
  typs: [HOLDER_STATEMENT_TYPE],
}

/**
 * Verifies a holder statement: its signature, then its claims. It does not compare its times with a clock.
 *
 * @example
 * ```ts
 * import { verifyHolderStatement } from '@auth4agent/core/delegation/holder-statement'
 *
 * const verified = await verifyHolderStatement(text, { issuer: 'https://auth.example', keys })
 * if (verified.ok) console.log(verified.statement.did)
 * ```
 */
export async function verifyHolderStatement(
  text: string,
  { issuer, keys }: { readonly issuer: string; readonly keys: GrantKeys },
): Promise<VerifiedStatement | GrantRefusal> {
  const jws = splitText(text, RULES)
  if (!jws.ok) return jws
  const signed = await verifyByIssuer(jws, keys, 'HOLDER_UNKNOWN')
  if (!signed.ok) return signed
  const payload = readPayload(jws, RULES)
  if (!payload.ok) return payload
  if (payload.value.iss !== issuer) return refuseGrant('WRONG_ISSUER', `iss of the holder statement must be ${issuer}`)
  const statement = readStatement(payload.value)
  return statement.ok ? { ...signed, statement: statement.value } : statement
}

function readStatement(payload: JsonObject): { readonly ok: true; readonly value: HolderStatement } | GrantRefusal {
  const { iss, sub: did, operator_id: operatorId, epoch, cnf } = payload
  const restriction = checkRestrictions(payload, [])
  if (restriction !== undefined) return restriction
  if (!ISSUER.holds(iss)) return malformed('iss', ISSUER)
  if (!DID.holds(did)) return malformed('sub', DID)
  if (!OPERATOR_ID.holds(operatorId)) return malformed('operator_id', OPERATOR_ID)
  if (!EPOCHS.holds(epoch)) return malformed('epoch', EPOCHS)
  const jkt = isJsonObject(cnf) && Object.keys(cnf).length === 1 ? cnf.jkt : undefined
  if (!DIGEST.holds(jkt)) return refuseGrant('HOLDER_UNKNOWN', 'cnf must be an object with only jkt, a thumbprint')
  const lifetime = readLifetime(payload, 'HOLDER_UNKNOWN')
  return lifetime.ok ? { ok: true, value: { did, operatorId, epoch, jkt, ...lifetime.value } } : lifetime
}

function malformed(claim: string, form: Form): GrantRefusal {
  return refuseGrant('HOLDER_UNKNOWN', `${claim} of the holder statement ${form.demand}`)
}
