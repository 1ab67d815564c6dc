import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'
import type { Consent } from '../../../../gen/proto/auth4agent/v1/people_pb.ts'
import type { SignedInPerson } from '../../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { xmlText } from '../../../platform/layout/safe-text.ts'
import { agentLine, claim, clientHost } from './client-host.ts'

interface Form {
  readonly action: string
  readonly form: string
}

/** Returns the part of the page that lists what acts for a person. Each of it can be ended. */
export function actingContent(consents: readonly Consent[], { action, form }: Form): string {
  if (consents.length === 0) return '<p class="lead">No program acts for you.</p>'
  return `<p class="lead">These programs may act for you. You can end each of them now.</p>
<form method="post" action="${xmlText(action)}">
<input type="hidden" name="form" value="${xmlText(form)}">
${consents.map(consentPart).join('\n')}
</form>`
}

function consentPart(consent: Consent): string {
  const { id, clientId, audience, capabilities, givenAt, connections, clientName, redirectHosts } = consent
  const host = clientHost(clientId, redirectHosts)
  const scopes = capabilities.map((each) => `<code>${xmlText(each.slice(audience.length + 1))}</code>`)
  const several = connections.length < 2 ? '' : `\n<ul>\n${connections.map(connectionItem).join('\n')}\n</ul>`
  const [only] = connections
  const last = connections.length === 1 ? `<div><dt>Last used</dt><dd>${timeOf(only?.usedAt)}</dd></div>\n` : ''
  return `<section>
<h2 class="host">${xmlText(host)}</h2>
${agentLine(clientId)}${claim(clientName)}<dl>
<div><dt>At</dt><dd>${xmlText(audience)}</dd></div>
<div><dt>May</dt><dd>${scopes.join(' ')}</dd></div>
<div><dt>Since</dt><dd>${timeOf(givenAt)}</dd></div>
${last}</dl>${several}
<button class="quiet" name="end" value="consent ${xmlText(id)}">End ${xmlText(redirectHosts.length > 0 ? 'this program' : host)}</button>
</section>`
}

function connectionItem({ id, createdAt, usedAt }: Consent['connections'][number]): string {
  return `<li>Connected ${timeOf(createdAt)}, last used ${timeOf(usedAt)}
<button class="quiet" name="end" value="connection ${xmlText(id)}">End only this connection</button></li>`
}

/** Returns the part of the page that says who is signed in. */
export function personContent(
  { subject, name, domain, signedInAt, expiresAt }: SignedInPerson,
  { action, form }: Form,
): string {
  const shown = name === '' ? subject : name
  return `<h2>Your account</h2>
<p>You are signed in as <b><bdi>${xmlText(shown)}</bdi></b> of <b>${xmlText(domain)}</b>.</p>
<dl>
<div><dt>Signed in</dt><dd>${timeOf(signedInAt)}</dd></div>
<div><dt>Until</dt><dd>${timeOf(expiresAt)}</dd></div>
<div><dt>Known here as</dt><dd><code>${xmlText(subject)}</code></dd></div>
</dl>
<form method="post" action="${xmlText(action)}">
<input type="hidden" name="form" value="${xmlText(form)}">
<button class="quiet" name="action" value="sign-out">Sign out</button>
</form>`
}

/** A page without a script cannot know the zone of the person. */
function timeOf(timestamp: Timestamp | undefined): string {
  if (timestamp === undefined) return ''
  const iso = timestampDate(timestamp).toISOString()
  return `<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time>`
}
