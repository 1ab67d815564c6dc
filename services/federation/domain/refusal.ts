/** Rules of OpenID Federation whose violation refuses a statement or a chain, with a sentence for each. */
export const federationRules = {
  JWS_REFUSED: 'The text is not a JWS of the form that statements have',
  CLAIM_MALFORMED: 'A claim of a statement is missing or malformed',
  CLAIM_MISPLACED: 'A statement has a claim that its kind must not have',
  CRIT_UNKNOWN: 'A statement has a critical claim that this version does not know',
  KEYS_MALFORMED: 'The jwks of a statement is not a set of keys with a kid each',
  POLICY_MALFORMED: 'A metadata policy is malformed',
  POLICY_CRIT_UNKNOWN: 'A metadata policy has a critical operator that this version does not know',
  POLICY_COMBINATION: 'Two operators of a metadata policy must not be combined',
  POLICY_CONFLICT: 'The policy of a subordinate conflicts with the policies of its superiors',
  METADATA_REFUSED: 'The metadata of the subject does not comply with the policy of the chain',
  CHAIN_LENGTH: 'The chain has too few or too many statements',
  CHAIN_SHAPE: 'A statement of the chain has another kind than its place demands',
  CHAIN_BROKEN: 'The issuer of a statement is not the subject of the next statement',
  ENTITY_REPEATED: 'The chain names an entity twice',
  WRONG_ANCHOR: 'The chain ends at another entity than the trust anchor',
  NOT_HINTED: 'The subject does not name its superior in authority_hints',
  NOT_YET_VALID: 'A statement was issued in the future',
  EXPIRED: 'A statement has expired',
  PATH_TOO_LONG: 'The chain has more intermediates than a superior allows',
  NAME_NOT_PERMITTED: 'A superior does not permit the name of an entity',
  NAME_EXCLUDED: 'A superior excludes the name of an entity',
  KEY_UNKNOWN: 'The next statement of the chain does not contain the key of a statement',
  KEY_NOT_OWN: 'An entity configuration is signed by a key that it does not contain',
  KEY_NOT_PINNED: 'The trust anchor signed with a key that is not pinned',
  SIGNATURE_INVALID: 'The signature of a statement is not valid',
  ISSUER_MISSING: 'The resolved metadata has no authorization server',
  ISSUER_MISMATCH: 'The issuer of the authorization server is not the entity identifier',
  KEYS_REPLACED: 'A superior replaces the keys that the subject names for its tokens',
  CHAIN_NOT_FOUND: 'The search found no chain from the subject to a trust anchor',
  NOT_FETCHED: 'A statement was not fetched, or the budget of the search had ended',
  WRONG_STATEMENT: 'The fetched statement is about another entity or by another issuer',
  FETCH_ENDPOINT_MISSING: 'The configuration of a superior has no usable fetch endpoint',
  LOOP: 'A hint leads back to an entity below it',
  TOO_DEEP: 'A hint leads beyond the largest number of intermediates',
  ANCHOR_UNKNOWN: 'An entity without superiors is not a trust anchor',
  HINT_IGNORED: 'A hint comes after the largest number of hints that the search follows',
} as const

/** A stable name of a broken rule. */
export type FederationRule = keyof typeof federationRules

/** Why a statement is refused. `text` says in one sentence what would be right. */
export interface FederationRefusal {
  readonly ok: false
  readonly rule: FederationRule
  readonly text: string
}

/** Why a chain is refused. */
export interface ChainRefusal extends FederationRefusal {
  /** The place of the refused statement, 0 for the configuration of the subject; undefined for the whole chain. */
  readonly place: number | undefined
}

/** Makes a refusal of a statement. */
export function refuse(rule: FederationRule, text: string): FederationRefusal {
  return { ok: false, rule, text }
}

/** Makes a refusal of a chain. */
export function refuseChain(place: number | undefined, { rule, text }: Omit<FederationRefusal, 'ok'>): ChainRefusal {
  return { ok: false, rule, text, place }
}

/** Writes a name that another party chose. Only the beginning of a long name is printed. */
export function quote(name: string): string {
  return JSON.stringify(name.slice(0, 128))
}
