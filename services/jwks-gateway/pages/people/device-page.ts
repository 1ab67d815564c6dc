import { xmlText } from '../../../platform/layout/safe-text.ts'

/** What the page sends back. */
interface CodeForm {
  readonly action: string
  readonly form: string
}

/** Returns the content of the page that asks for the code of a device. `problem` is why an earlier one was refused. */
export function codeContent({ action, form }: CodeForm, typed = '', problem = ''): string {
  const bad = problem === '' ? '' : ' aria-invalid="true"'
  const message = problem === '' ? '' : `\n<p class="message stop" id="problem" role="alert">${xmlText(problem)}.</p>`
  const described = problem === '' ? 'note' : 'problem note'
  return `<p class="lead">Type the code that your device shows.</p>
<form method="post" action="${xmlText(action)}">
<input type="hidden" name="form" value="${xmlText(form)}">
<label for="code">Code</label>
<input id="code" name="user_code" value="${xmlText(typed)}" autocomplete="off" autocapitalize="characters"
spellcheck="false" maxlength="32" required autofocus aria-describedby="${described}"${bad}>${message}
<button>Continue</button>
</form>
<p class="note" id="note">The code has eight letters, such as WDJB-MJHT. Type only a code that you see on your own device. Whoever sends
you a code wants to act in your name.</p>`
}

/** Returns the content of the page after the answer. */
export function decidedContent(isAllowed: boolean, acting: string): string {
  if (!isAllowed) return '<p class="lead">The device gets no access. You can close this page.</p>'
  return `<p class="lead">Go back to your device. It goes on within a few seconds, and you can close this page.</p>
<a class="button" href="${xmlText(acting)}">See what acts for you</a>`
}
