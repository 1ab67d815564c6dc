import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'
import type { SignedInPerson } from '../../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { xmlText } from '../../../platform/layout/safe-text.ts'

/** Returns the content of the page that says who is signed in. */
export function actingContent(
  { subject, name, domain, signedInAt, expiresAt }: SignedInPerson,
  { action, form }: { readonly action: string; readonly form: string },
): string {
  const shown = name === '' ? subject : name
  return `<p class="lead">You are signed in as <b><bdi>${xmlText(shown)}</bdi></b> of <b>${xmlText(domain)}</b>.</p>
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
