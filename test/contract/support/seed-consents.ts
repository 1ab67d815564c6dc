import type { Db } from '../../../services/platform/db/db.ts'
import { ALLOWED_CLIENT } from './seed-clients.ts'

/** Ids of consents: one with a connection, one without, and one of other operators. */
export const CONSENTS = {
  connected: '5d0f7c7e-3c0b-4a4e-9f0a-2f1f4e1b0a01',
  withdrawn: '5d0f7c7e-3c0b-4a4e-9f0a-2f1f4e1b0a02',
  ofOthers: '5d0f7c7e-3c0b-4a4e-9f0a-2f1f4e1b0a03',
} as const
/** The connection of an operator. */
export const CONNECTION = '5d0f7c7e-3c0b-4a4e-9f0a-2f1f4e1b0a04'
/** A connection in which the operator has no say. */
export const CONNECTION_OF_OTHERS = '5d0f7c7e-3c0b-4a4e-9f0a-2f1f4e1b0a05'

const SUBJECT = 'user:9sKq0cJd1R2w3e4T5y6U7g'
const MINUTE_MS = 60_000
const DAY_MS = 1_440 * MINUTE_MS

/** Gives two operators a user with consents, and each a connection. */
export async function seedConsents({ prisma }: Db, { own, other }: { readonly own: string; readonly other: string }) {
  const at = Date.now()
  const provider = { providerId: CONSENTS.connected, providerEdge: CONSENTS.connected, sub: 'alice' }
  for (const operatorId of [own, other]) {
    await prisma.user.create({ data: { operatorId, subject: SUBJECT, name: 'Alice', ...provider } })
  }
  const consent = (id: string, operatorId: string, path: string, minutes: number) => {
    const audience = `https://mcp.acme-operator.com/${path}`
    const user = { operatorId, subject: SUBJECT, ownerId: operatorId }
    const terms = { clientId: ALLOWED_CLIENT, audience, capabilities: [`${audience}#read`], clientDigest: 'digest' }
    return prisma.consent.create({ data: { id, ...user, ...terms, givenAt: new Date(at - minutes * MINUTE_MS) } })
  }
  await consent(CONSENTS.connected, own, 'mcp', 1)
  await consent(CONSENTS.withdrawn, own, 'notes', 2)
  await consent(CONSENTS.ofOthers, other, 'mcp', 3)
  const times = {
    clientEdge: CONNECTION,
    vouchedAt: new Date(at),
    movedAt: new Date(at),
    createdAt: new Date(at),
    usedAt: new Date(at),
    expiresAt: new Date(at + 30 * DAY_MS),
  }
  for (const [id, consentId] of [
    [CONNECTION, CONSENTS.connected],
    [CONNECTION_OF_OTHERS, CONSENTS.ofOthers],
  ] as const) {
    await prisma.connection.create({ data: { id, consentId, scopes: ['read'], jkt: '', ...times } })
  }
}
