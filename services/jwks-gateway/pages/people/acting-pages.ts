import { create } from '@bufbuild/protobuf'
import {
  EndOwnRequestSchema,
  ListOwnConsentsRequestSchema,
  SignInService,
  SignOutRequestSchema,
} from '../../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { readBody } from '../../../http-port/read-body.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { actingContent, personContent } from './acting-page.ts'
import { pageAnswer, redirectAnswer } from './document.ts'
import type { Page } from './page.ts'
import { callForPage, cookieOf, FORM_LIMIT, readPageForm, readSession } from './page-call.ts'

const { signOut, listOwnConsents, endOwn } = SignInService.method
/** Where a person sees what acts for them, and where the form goes that ends something of it. */
export const ACTING = '/people/acting'
export const END = '/people/end'
const SIGN_IN = '/people/sign-in'
/** What the form for signing out says. */
const SIGN_OUT = 'sign-out'

/** Shows who is signed in, and what acts for the person. */
export const actingPage: Page = async (context, exchange) => {
  const { person, form } = await readSession(context, exchange, SIGN_OUT)
  if (person === undefined) return redirectAnswer(`${context.config.baseUrl}${SIGN_IN}`)
  const read = () => create(ListOwnConsentsRequestSchema, { cookie: cookieOf(exchange) })
  const own = await callForPage(context, exchange, listOwnConsents, read)
  const acting = actingContent(own.consents, { action: context.at(END), form: own.form })
  const content = `${acting}\n${personContent(person, { action: context.at(ACTING), form })}`
  return pageAnswer(context.host, { title: 'What acts for you', content })
}

/** Ends what the person has chosen, and shows what is left. */
export const endPage: Page = async (context, exchange) => {
  const body = await readBody(exchange.request, FORM_LIMIT)
  const read = () => {
    const sent = readPageForm(context, exchange, body)
    const [what, id = ''] = (sent.get('end') ?? '').split(' ')
    if (what !== 'consent' && what !== 'connection')
      throw new ApiError('INVALID_ARGUMENT', 'The form must say what to end')
    const chosen = what === 'consent' ? { consentId: id } : { connectionId: id }
    return create(EndOwnRequestSchema, { cookie: cookieOf(exchange), form: sent.get('form') ?? '', ...chosen })
  }
  await callForPage(context, exchange, endOwn, read, body)
  const next = `${context.config.baseUrl}${ACTING}`
  const content = `<p class="lead">From now on, no service that asks this server accepts a token of it.</p>
<a class="button" href="${context.at(ACTING)}">See what is left</a>`
  return pageAnswer(context.host, { title: 'It has ended', content, next })
}

/** Signs the person out of this browser. */
export const signOutPage: Page = async (context, exchange) => {
  const body = await readBody(exchange.request, FORM_LIMIT)
  const read = () => {
    const sent = readPageForm(context, exchange, body)
    if (sent.get('action') !== SIGN_OUT) throw new ApiError('INVALID_ARGUMENT', 'The form must say what to do')
    return create(SignOutRequestSchema, { cookie: cookieOf(exchange), form: sent.get('form') ?? '' })
  }
  const { setCookie } = await callForPage(context, exchange, signOut, read, body)
  const content = `<p class="lead">This browser is no longer signed in here. Your identity provider may still know you.</p>
<a class="button" href="${context.at(SIGN_IN)}">Sign in</a>`
  return pageAnswer(context.host, { title: 'You are signed out', content }, { cookies: setCookie })
}
