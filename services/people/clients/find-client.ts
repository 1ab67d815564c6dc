import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { readStanding, type Standing } from '../store/clients.ts'
import type { ClientDocuments } from './documents.ts'
import { clientKindOf } from './domain/client-id.ts'
import type { ClientDocument } from './domain/read-document.ts'

/** What the owner of an audience says about a client, and what the client is. */
type FoundClient = Standing & { readonly clientId: string } & (
    | { readonly kind: 'agent' }
    | {
        readonly kind: 'url'
        /**
         * Returns what the client says about itself. It may fetch the document. So decide about `status` first: nobody
         * may make this server fetch the document of a client that may not act here anyway.
         *
         * @throws ApiError CLIENT_NOT_ACCEPTED, UNAVAILABLE, RATE_LIMITED
         */
        readDocument(): Promise<ClientDocument>
      }
  )

/**
 * Finds a client for the owner of an audience.
 *
 * @param source the key of who asks, whose fetches are counted
 * @throws ApiError CLIENT_NOT_ACCEPTED for a text that can name no client
 */
export type FindClient = (ownerId: string, clientId: string, source: string) => Promise<FoundClient>

/** Creates the function that finds clients. It reads the primary. */
export function createFindClient(prisma: PrismaClient, documents: Pick<ClientDocuments, 'find'>): FindClient {
  return async (operatorId, clientId, source) => {
    const kind = clientKindOf(clientId)
    if (kind === undefined) {
      throw new ApiError('CLIENT_NOT_ACCEPTED', 'client_id must be the DID of an agent, or the URL of a document')
    }
    const standing = await readStanding(prisma, { operatorId, clientId })
    if (kind === 'agent') return { ...standing, clientId, kind }
    return { ...standing, clientId, kind, readDocument: () => documents.find(clientId, source) }
  }
}
