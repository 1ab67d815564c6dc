import { create } from '@bufbuild/protobuf'
import {
  AuthorizeRequestSchema,
  DecideConsentRequestSchema,
  SignInService,
} from '../../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { readBody } from '../../../http-port/read-body.ts'
import { consentContent, tickedScopes } from './consent-page.ts'
import { pageAnswer, redirectAnswer } from './document.ts'
import type { Page } from './page.ts'
import { callForPage, cookieOf, readPageForm } from './page-call.ts'
import { leaveContent } from './sign-in-page.ts'

const { authorize, decideConsent } = SignInService.method
/** Where clients send people (RFC 6749 section 3.1), and where the form of the question goes. */
export const AUTHORIZE = '/oauth/authorize'
export const CONSENT = '/people/consent'
/** The form has the query of the authorization request, encoded once more. */
const FORM_LIMIT = 32 * 1024

/** Sends the browser on, or asks the person. */
export const authorizePage: Page = async (context, exchange) => {
  const { query } = exchange
  const read = () => create(AuthorizeRequestSchema, { cookie: cookieOf(exchange), query })
  const { location, setCookie, question, form } = await callForPage(context, exchange, authorize, read)
  if (question === undefined) return redirectAnswer(location, setCookie)
  const sent = { name: 'query', value: query }
  const page = { question, form, sent, action: context.at(CONSENT), acting: context.at('/people/acting') }
  return pageAnswer(context.host, { title: 'May this program act for you?', content: consentContent(page) })
}

/** Takes the answer of the person. */
export const consentPage: Page = async (context, exchange) => {
  const body = await readBody(exchange.request, FORM_LIMIT)
  const read = () => {
    const sent = readPageForm(context, exchange, body)
    const field = (name: string) => sent.get(name) ?? ''
    return create(DecideConsentRequestSchema, {
      cookie: cookieOf(exchange),
      form: field('form'),
      query: field('query'),
      isAllowed: field('decision') === 'allow',
      scopes: tickedScopes(sent),
    })
  }
  const { location, setCookie } = await callForPage(context, exchange, decideConsent, read, body)
  const page = { title: 'Done', content: leaveContent(location, 'where you came from'), next: location }
  return pageAnswer(context.host, page, { cookies: setCookie })
}
