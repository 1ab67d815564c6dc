import { xmlText } from '../../../platform/layout/safe-text.ts'

/** What the page sends back. */
interface SignInForm {
  readonly action: string
  readonly form: string
  readonly request: string
}

/** Returns the content of the page that asks who a person is. `problem` is why an earlier text found no provider. */
export function signInContent(form: SignInForm, who = '', problem = ''): string {
  const bad = problem === '' ? '' : ' aria-invalid="true"'
  const message = problem === '' ? '' : `\n<p class="message stop" id="problem" role="alert">${xmlText(problem)}.</p>`
  const described = problem === '' ? 'note' : 'problem note'
  return `<p class="lead">The identity provider of your organisation signs you in. This server has no passwords.</p>
<form method="post" action="${xmlText(form.action)}">
${hidden(form)}
<label for="who">Work e-mail or domain</label>
<input id="who" name="who" value="${xmlText(who)}" inputmode="email" autocomplete="username" autocapitalize="none"
spellcheck="false" maxlength="320" required autofocus aria-describedby="${described}"${bad}>${message}
<button>Continue</button>
</form>
<p class="note" id="note">The domain finds your identity provider. This server does not keep the address.</p>`
}

/** Returns the content of the page that lets a person choose between the identity providers of one operator. */
export function choiceContent(form: SignInForm, who: string, providers: readonly string[]): string {
  const buttons = providers.map(
    (name) => `<button class="quiet" name="provider" value="${xmlText(name)}">${xmlText(name)}</button>`,
  )
  return `<p class="lead">Your organisation has several identity providers.</p>
<form method="post" action="${xmlText(form.action)}">
${hidden(form)}
<input type="hidden" name="who" value="${xmlText(who)}">
${buttons.join('\n')}
</form>`
}

/** Returns the content of the page that sends the browser on. `what` says what is there. */
export function leaveContent(location: string, what: string): string {
  return `<p class="lead">You go on at <b>${xmlText(new URL(location).host)}</b>, ${what}.</p>
<a class="button" href="${xmlText(location)}">Continue</a>`
}

function hidden({ form, request }: SignInForm): string {
  return `<input type="hidden" name="form" value="${xmlText(form)}">
<input type="hidden" name="request" value="${xmlText(request)}">`
}
