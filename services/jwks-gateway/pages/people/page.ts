import type { Answer, Exchange, Params } from '../../../http-port/exchange.ts'
import type { GatewayContext } from '../../gateway-context.ts'

/** The gateway, and what all pages need. */
export interface PageContext extends GatewayContext {
  /** Host of the issuer, which every page names. */
  readonly host: string
  /** Returns the path of a page below the issuer. */
  readonly at: (path: string) => string
}

/** Answers one request for a page. Throws ApiError, which becomes a page too. */
export type Page = (context: PageContext, exchange: Exchange, params: Params) => Promise<Answer>
