import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { IdentityProvider, PrismaClient } from '../../../gen/prisma/client.ts'
import type { ProviderSignalService } from '../../../gen/proto/auth4agent/v1/provider_signals_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { createKeySource } from '../../platform/key-source/key-source.ts'
import type { PeopleOptions } from '../config.ts'
import { MAX_AGE_MS, readEvent } from './domain/read-event.ts'
import { type Signals, signalsUri } from './domain/signals.ts'
import { endBySignal } from './end-by-signal.ts'
import { verifySignal } from './verify-signal.ts'

/** How far the clocks of providers may be from this one, in milliseconds. */
const SKEW_MS = 60_000
const SET_RULES = { name: 'SET', typs: ['secevent+jwt'] } as const

/** Creates the handlers of ProviderSignalService. */
export function providerSignalRoutes(
  options: Pick<PeopleOptions, 'db' | 'now' | 'monotonic' | 'outbound' | 'issuer'>,
): Handlers<typeof ProviderSignalService> {
  const { db, now, monotonic, outbound, issuer: ourIssuer } = options
  const deps = { now, keySource: createKeySource({ outbound, now: monotonic }) }
  return {
    async receiveSecurityEvent({ providerId, set }, call) {
      const provider = await findProvider(db.prisma, providerId, 'ssf')
      const { issuer, clientId } = provider
      const audiences = [signalsUri(ourIssuer, providerId, 'events'), clientId]
      const at = now()
      const demands = { issuer, audiences, now: at, skewMs: SKEW_MS }
      const { jti, ended } = await verifySignal(deps, provider, set, SET_RULES, (claims) => readEvent(claims, demands))
      if (ended === undefined) return {}
      const signal = { ...ended, provider, jti, until: at + MAX_AGE_MS + 2 * SKEW_MS }
      await endBySignal(db.prisma, call, signal, new Date(at))
      return {}
    },
  }
}

/** A provider whose operator has not asked for its signals cannot send any. */
async function findProvider(prisma: PrismaClient, id: string, signals: Signals): Promise<IdentityProvider> {
  const row = isUuid(id) ? await prisma.identityProvider.findUnique({ where: { id } }) : null
  if (row?.signals === signals) return row
  throw new ApiError('PROVIDER_NOT_FOUND', `No identity provider with the signals ${signals} has this id`)
}
