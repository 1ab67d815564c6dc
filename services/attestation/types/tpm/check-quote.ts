import type { AttestationKey, EndorsementKey } from './check-keys.ts'
import { demand } from './demand.ts'
import { replayEventLog } from './event-log.ts'
import type { TpmEvidence } from './read-evidence.ts'
import type { TpmConfig } from './read-tpm-config.ts'
import { ENDORSEMENT_HIERARCHY } from './structures/constants.ts'
import { sha256 } from './structures/digest.ts'
import { nameOf } from './structures/public-area.ts'
import { type Quote, readQuote } from './structures/quote.ts'
import { readSignature, verifySignature } from './structures/signature.ts'

/** The state of a machine that its TPM has signed. */
export interface QuotedState {
  readonly pcrs: ReadonlyMap<number, string>
  /** Undefined if the TPM obscures it for the attestation key. */
  readonly firmwareVersion: string | undefined
  /** Whether UEFI Secure Boot was on; undefined if that is not known. */
  readonly secureBoot: boolean | undefined
}

/** The keys that were found to be in one TPM. */
export interface TpmKeys {
  readonly ek: EndorsementKey
  readonly ak: AttestationKey
}

const SECURE_BOOT_PCR = 7

/**
 * Checks a quote and the values that it is about.
 *
 * @param nonce the bytes that the TPM must have signed with the values
 * @throws RefusedEvidence
 */
export function checkQuote(config: TpmConfig, evidence: TpmEvidence, keys: TpmKeys, nonce: Uint8Array): QuotedState {
  const signature = readSignature(evidence.signature)
  const isSigned = signature.algorithm === keys.ak.algorithm && verifySignature(keys.ak.key, signature, evidence.quote)
  demand(isSigned, 'The quote must be signed by the attestation key, with the algorithm of that key')
  const quote = readQuote(evidence.quote)
  demand(Buffer.from(nonce).equals(quote.extraData), 'The qualifying data of the quote must be the nonce')
  checkValues(quote, evidence.pcrs)
  checkPolicy(config, evidence.pcrs)
  const firmwareVersion = firmwareOf(quote, keys)
  const { firmwareVersions } = config
  if (firmwareVersions !== undefined) {
    const isAllowed = firmwareVersion !== undefined && firmwareVersions.includes(firmwareVersion)
    demand(
      isAllowed,
      'The TPM must have an allowed firmware version, and quote it with a key below its endorsement key',
    )
  }
  return { pcrs: evidence.pcrs, firmwareVersion, secureBoot: checkLog(evidence) }
}

/** Checks that the values are of the quoted PCRs, and are the quoted ones. */
function checkValues(quote: Quote, pcrs: TpmEvidence['pcrs']): void {
  const values = quote.pcrs.map((pcr) => pcrs.get(pcr))
  const isComplete = values.every((value) => value !== undefined) && pcrs.size === quote.pcrs.length
  demand(isComplete, 'pcrs must have the values of exactly the PCRs that are quoted')
  const digest = sha256(...values.map((value) => Buffer.from(value ?? '', 'hex')))
  demand(digest.equals(quote.pcrDigest), 'pcrs must have the values that are quoted')
}

function checkPolicy(config: TpmConfig, pcrs: TpmEvidence['pcrs']): void {
  const missing = config.requiredPcrs.find((pcr) => !pcrs.has(pcr))
  demand(missing === undefined, `The quote must contain PCR ${missing}`)
  for (const [pcr, allowed] of config.pcrs) {
    demand(allowed.includes(pcrs.get(pcr) ?? ''), `PCR ${pcr} must have a value that the attestor allows`)
  }
}

/**
 * Returns the version of the firmware if it is the real one. A TPM obscures it when the key that signs is outside of
 * the endorsement hierarchy (Part 1 section 36.7). The qualified name of the key says where it is: below the
 * endorsement key, or itself a primary key of that hierarchy.
 */
function firmwareOf({ qualifiedSigner, firmwareVersion }: Quote, { ek, ak }: TpmKeys): string | undefined {
  const parents = [nameOf(ENDORSEMENT_HIERARCHY, ek.area.name), ENDORSEMENT_HIERARCHY]
  const isEndorsed = parents.some((parent) => Buffer.from(nameOf(parent, ak.name)).equals(qualifiedSigner))
  return isEndorsed ? firmwareVersion : undefined
}

/** Replays the event log, if there is one. Its values must be the quoted ones. */
function checkLog({ eventLog, pcrs }: TpmEvidence): boolean | undefined {
  if (eventLog === undefined) return undefined
  const { valueOf, secureBoot } = replayEventLog(eventLog)
  for (const [pcr, value] of pcrs) {
    const isReplayed = Buffer.from(valueOf(pcr)).toString('hex') === value
    demand(isReplayed, `The events of event_log must give the quoted value of PCR ${pcr}`)
  }
  return pcrs.has(SECURE_BOOT_PCR) ? secureBoot : undefined
}
