import { create } from '@bufbuild/protobuf'
import {
  FinishSignInRequestSchema,
  SignInService,
  StartSignInRequestSchema,
} from '../../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { EarlyRefusal, type Route } from '../../../http-port/exchange.ts'
import { readBody } from '../../../http-port/read-body.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { type GatewayContext, underIssuer } from '../../gateway-context.ts'
import { ACTING, actingPage, END, endPage, signOutPage } from './acting-pages.ts'
import { AUTHORIZE, authorizePage, CONSENT, consentPage } from './authorize-pages.ts'
import { DEVICE, DEVICE_CONSENT, deviceConsentPage, devicePage, userCodePage } from './device-pages.ts'
import { pageAnswer, redirectAnswer } from './document.ts'
import { errorPage } from './error-page.ts'
import type { Page, PageContext } from './page.ts'
import { callForPage, cookieOf, FORM_LIMIT, type FormFields, readPageForm, readSession } from './page-call.ts'
import { choiceContent, leaveContent, signInContent } from './sign-in-page.ts'

const { startSignIn, finishSignIn } = SignInService.method
const SIGN_IN = '/people/sign-in'

/** Makes the routes of the pages on which people sign in and out, and let clients act. They have no script. */
export function signInPageRoutes(gateway: GatewayContext): readonly Route[] {
  const { host } = new URL(gateway.config.baseUrl)
  const context: PageContext = { ...gateway, host, at: (path) => `${gateway.basePath}${path}` }
  const pages: readonly (readonly [verb: string, path: string, page: Page])[] = [
    ['GET', SIGN_IN, askPage],
    ['POST', SIGN_IN, startPage],
    ['GET', '/people/callback/{provider}', callbackPage],
    ['GET', ACTING, actingPage],
    ['POST', ACTING, signOutPage],
    ['POST', END, endPage],
    ['GET', AUTHORIZE, authorizePage],
    ['POST', CONSENT, consentPage],
    ['GET', DEVICE, devicePage],
    ['POST', DEVICE, userCodePage],
    ['POST', DEVICE_CONSENT, deviceConsentPage],
  ]
  return pages.flatMap(([verb, path, page]) =>
    underIssuer(context, path).map((each) => ({ verb, path: each, handle: handlePage(context, page) })),
  )
}

/** Makes a handler whose refusals are pages too. */
function handlePage(context: PageContext, page: Page): Route['handle'] {
  return async (exchange, params) => {
    try {
      return await page(context, exchange, params)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return errorPage(context.host, context.at(SIGN_IN), error, exchange.caller.requestId)
    }
  }
}

const askPage: Page = async (context, exchange) => {
  const request = new URLSearchParams(exchange.query).get('request') ?? ''
  const { form } = await readSession(context, exchange, request)
  const content = signInContent({ action: context.at(SIGN_IN), form, request })
  return pageAnswer(context.host, { title: 'Sign in', content })
}

const startPage: Page = async (context, exchange) => {
  const body = await readBody(exchange.request, FORM_LIMIT)
  let sent: FormFields = new Map()
  const field = (name: string) => sent.get(name) ?? ''
  const formOf = () => ({ action: context.at(SIGN_IN), form: field('form'), request: field('request') })
  const read = () => {
    sent = readPageForm(context, exchange, body)
    const { form, request } = formOf()
    const who = { who: field('who'), provider: field('provider') }
    return create(StartSignInRequestSchema, { cookie: cookieOf(exchange), form, request, ...who })
  }
  try {
    const { location, setCookie, providers } = await callForPage(context, exchange, startSignIn, read, body)
    if (location !== '') {
      const page = { title: 'Sign in', content: leaveContent(location, 'which signs you in'), next: location }
      return pageAnswer(context.host, page, { cookies: setCookie })
    }
    const content = choiceContent(formOf(), field('who'), providers)
    return pageAnswer(context.host, { title: 'Where do you sign in?', content })
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'PROVIDER_NOT_FOUND') throw error
    const content = signInContent(formOf(), field('who'), error.message)
    return pageAnswer(context.host, { title: 'Sign in', content }, { status: 404 })
  }
}

const callbackPage: Page = async (context, exchange, { provider: providerId = '' }) => {
  // A HEAD request must change nothing, and this one would redeem the code.
  if (exchange.request.method === 'HEAD') throw new EarlyRefusal(new ApiError('METHOD_NOT_ALLOWED'), { allow: 'GET' })
  const { query } = exchange
  const read = () => create(FinishSignInRequestSchema, { cookie: cookieOf(exchange), providerId, query })
  const { location, setCookie } = await callForPage(context, exchange, finishSignIn, read)
  return redirectAnswer(location, setCookie)
}
