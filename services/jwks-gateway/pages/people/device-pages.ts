import { create } from '@bufbuild/protobuf'
import {
  DecideUserCodeRequestSchema,
  OpenDevicePageRequestSchema,
  OpenUserCodeRequestSchema,
  SignInService,
} from '../../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { readBody } from '../../../http-port/read-body.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { consentContent, tickedScopes } from './consent-page.ts'
import { codeContent, decidedContent } from './device-page.ts'
import { pageAnswer, redirectAnswer } from './document.ts'
import type { Page } from './page.ts'
import { callForPage, cookieOf, FORM_LIMIT, type FormFields, readPageForm } from './page-call.ts'

const { openDevicePage, openUserCode, decideUserCode } = SignInService.method
/** Where a person types the code of a device, and where the form of the question goes. */
export const DEVICE = '/people/device'
export const DEVICE_CONSENT = '/people/device-consent'
const TITLE = 'Connect a device'

/** Asks for the code that a device shows. */
export const devicePage: Page = async (context, exchange) => {
  const read = () => create(OpenDevicePageRequestSchema, { cookie: cookieOf(exchange) })
  const { location, setCookie, form } = await callForPage(context, exchange, openDevicePage, read)
  if (location !== '') return redirectAnswer(location, setCookie)
  return pageAnswer(context.host, { title: TITLE, content: codeContent({ action: context.at(DEVICE), form }) })
}

/** Takes the code, and asks the person. */
export const userCodePage: Page = async (context, exchange) => {
  const body = await readBody(exchange.request, FORM_LIMIT)
  let sent: FormFields = new Map()
  const field = (name: string) => sent.get(name) ?? ''
  const read = () => {
    sent = readPageForm(context, exchange, body)
    const [form, userCode] = [field('form'), field('user_code')]
    return create(OpenUserCodeRequestSchema, { cookie: cookieOf(exchange), form, userCode })
  }
  try {
    const { question, form, id } = await callForPage(context, exchange, openUserCode, read, body)
    if (question === undefined) throw new Error('A code that is good has a question')
    const page = {
      question,
      form,
      sent: { name: 'id', value: id },
      action: context.at(DEVICE_CONSENT),
      acting: context.at('/people/acting'),
    }
    return pageAnswer(context.host, { title: 'May this program act for you?', content: consentContent(page) })
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'USER_CODE_NOT_FOUND') throw error
    const asked = { action: context.at(DEVICE), form: field('form') }
    const content = codeContent(asked, field('user_code'), error.message)
    return pageAnswer(context.host, { title: TITLE, content }, { status: 404 })
  }
}

/** Takes the answer of the person. */
export const deviceConsentPage: Page = async (context, exchange) => {
  const body = await readBody(exchange.request, FORM_LIMIT)
  let isAllowed = false
  const read = () => {
    const sent = readPageForm(context, exchange, body)
    const field = (name: string) => sent.get(name) ?? ''
    isAllowed = field('decision') === 'allow'
    const answer = { form: field('form'), id: field('id'), isAllowed, scopes: tickedScopes(sent) }
    return create(DecideUserCodeRequestSchema, { cookie: cookieOf(exchange), ...answer })
  }
  await callForPage(context, exchange, decideUserCode, read, body)
  const content = decidedContent(isAllowed, context.at('/people/acting'))
  return pageAnswer(context.host, { title: isAllowed ? 'Your device is connected' : 'You have refused', content })
}
