import { isRegisteredClient } from '@auth4agent/core/identity/client-id'
import type { AskedScope, ConsentQuestion } from '../../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { xmlText } from '../../../platform/layout/safe-text.ts'
import { agentLine, claim, clientHost } from './client-host.ts'
import type { FormFields } from './page-call.ts'

/** What the page of consent shows, and what its form sends back. */
interface ConsentForm {
  readonly question: ConsentQuestion
  /** What names the request: the query of an authorization request, or the id of a device's. */
  readonly sent: { readonly name: string; readonly value: string }
  /** Secret text of the form. */
  readonly form: string
  /** Where the form goes, and where the person can end everything. */
  readonly action: string
  readonly acting: string
}

/** What the names of the fields of scopes begin with. */
const SCOPE_FIELD = 'scope '

/** Returns the names of the scopes that a person has ticked. */
export function tickedScopes(sent: FormFields): string[] {
  const ticked = [...sent.keys()].filter((name) => name.startsWith(SCOPE_FIELD))
  return ticked.map((name) => name.slice(SCOPE_FIELD.length))
}

/**
 * Returns the content of the page on which a person allows a client to act. The host of the client stands large,
 * because it is what is proven. For a registered client that is the place to which its answer goes. The name of a
 * client stands in quotes, because anybody can choose one. Both buttons have one size.
 */
export function consentContent({ question, sent, form, action, acting }: ConsentForm): string {
  const { clientId, clientName, audience, ownerDomain, scopes, maxHours, userName, userDomain } = question
  const host = clientHost(clientId, [question.redirectHost])
  return `<p class="host">${xmlText(host)}</p>
${agentLine(clientId)}${claim(clientName)}<form method="post" action="${xmlText(action)}">
<input type="hidden" name="form" value="${xmlText(form)}">
<input type="hidden" name="${sent.name}" value="${xmlText(sent.value)}">
<h2>At <bdi>${xmlText(ownerDomain)}</bdi> it could</h2>
<ul>
${scopes.map(scopeItem).join('\n')}
</ul>
${warning(question, host)}
<p class="note">You are <bdi>${xmlText(userName === '' ? 'signed in' : userName)}</bdi> of ${xmlText(userDomain)}. The program
calls <code>${xmlText(audience)}</code>, and stays connected for ${duration(maxHours)} at most. You can end that at any time in
<a href="${xmlText(acting)}">What acts for you</a>.</p>
<div class="choice">
<button class="quiet" name="decision" value="refuse">Refuse</button>
<button name="decision" value="allow">Allow</button>
</div>
</form>`
}

function duration(hours: number): string {
  const [count, unit] = hours % 24 === 0 ? [hours / 24, 'day'] : [hours, 'hour']
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`
}

function scopeItem({ name, words, isDefault }: AskedScope): string {
  const text = `<bdi>${xmlText(words)}</bdi><code>${xmlText(name)}</code>`
  if (isDefault) return `<li>${text}</li>`
  const box = `<input type="checkbox" name="${SCOPE_FIELD}${xmlText(name)}" checked>`
  return `<li><label class="tick">${box} <span>${text}</span></label></li>`
}

function warning(question: ConsentQuestion, host: string): string {
  const sentences = [isRegisteredClient(question.clientId) ? UNVERIFIED : '', wayOf(question, host)]
  const text = sentences.filter((each) => each !== '').join(' ')
  return text === '' ? '' : `<p class="message stop">${text}</p>`
}

const UNVERIFIED = 'This program has registered itself, and nobody has verified who made it.'

/** Says where the answer goes, unless it goes to the host that is proven. */
function wayOf({ redirectHost, isLoopback, clientId }: ConsentQuestion, host: string): string {
  if (isLoopback) {
    return `The answer goes to a program on this computer. Any program here can claim this name.
Allow it only if you have just started it yourself.`
  }
  // The answer goes to no browser, so only the person knows whose device it is (RFC 8628 section 5.4).
  if (redirectHost === '') {
    return `You started this on another device less than 10 minutes ago. If you did not, or if somebody has sent
you the code, refuse.`
  }
  const isRegistered = isRegisteredClient(clientId)
  if (!isRegistered && new URL(redirectHost).host === host) return ''
  return `The answer goes to ${isRegistered ? '' : 'another host: '}<b>${xmlText(redirectHost)}</b>`
}
