import { recordName, recordValue } from '@auth4agent/core/identity/proof-record'
import type { TrustDraft } from '@auth4agent/core/trust/statement'
import type { CureMessage } from '../deps.ts'

/** The administrator in the member `who` of a cure. */
const ADMINISTRATOR = 'administrator'

/** Admits an issuer that is unknown here. */
export function admitIssuer(issuer: string): CureMessage {
  const flags = '--revocations log --acts-as OPERATOR_ID --secret FILE'
  return byAdministrator(`auth4agent issuer add ${quote(issuer)} ${flags}`)
}

/** Admits a disabled issuer again. */
export function enableIssuer(issuer: string): CureMessage {
  return byAdministrator(`auth4agent issuer enable ${quote(issuer)}`)
}

/** Shows why keys or revocations of an issuer are not known. */
export function showIssuer(issuer: string): CureMessage {
  return byAdministrator(`auth4agent issuer show ${quote(issuer)}`)
}

/** Lets a suspended operator of this deployment act again. */
export function reinstateOperator(id: string): CureMessage {
  return byAdministrator(`auth4agent operator reinstate ${id}`)
}

/** Publishes the record by which a domain names its issuer and operator. */
export function publishRecord(subject: {
  readonly issuer: string
  readonly domain: string
  readonly operatorId: string
  /** Empty if it is not known here. */
  readonly thumbprint: string
}): CureMessage {
  const { issuer, domain, operatorId, thumbprint } = subject
  const known = { issuer, operatorId: operatorId || 'OPERATOR_ID', thumbprint: thumbprint || 'ROOT_KEY_THUMBPRINT' }
  return { who: domain, signatures: 0, command: `${recordName(domain)} TXT "${recordValue(known)}"` }
}

/** Registers an operator for a domain at this deployment. */
export function registerOperator(domain: string): CureMessage {
  return { who: domain, signatures: 0, command: 'auth4agent operator register' }
}

/** Lists a domain as a caller of an audience in the policy of its owner. */
export function listCaller(
  who: string,
  { audience, domain }: { readonly audience: string; readonly domain: string },
): CureMessage {
  const command = `auth4agent policy set --audience ${quote(audience)} --add-caller ${quote(domain)}`
  return { who, signatures: 0, command }
}

/** Ends a statement. */
export function revokeStatement(jti: string): string {
  return `auth4agent trust revoke ${jti}`
}

/** Signs a statement. The signer types the command for its own deployment. */
export function signStatement({ kind, sub, home, subHome, subDomain, aud, depth, grants }: TrustDraft): string {
  const words = ['auth4agent trust offer', sub || 'OPERATOR_ID']
  if (kind !== 'lets-call') words.push('--kind', kind)
  if (depth === 2) words.push('--depth 2')
  else if (depth === 1) words.push('--depth 1')
  for (const { audience, scopes } of grants) {
    words.push('--audience', quote(audience))
    for (const [scope, values] of Object.entries(scopes))
      words.push('--map-scope', quote(`${scope}=${values.join(',')}`))
  }
  if (subHome !== home) words.push('--home', quote(subHome), '--domain', quote(subDomain))
  if (aud.some((each) => each !== home)) for (const each of aud) words.push('--at', quote(each))
  return words.join(' ')
}

function byAdministrator(command: string): CureMessage {
  return { who: ADMINISTRATOR, signatures: 0, command }
}

/** Quotes a text for a shell. The texts of a question may be chosen to harm the person who copies the command. */
function quote(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
