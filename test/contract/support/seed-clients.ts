import { firstEdgeOf } from '../../../services/people/clients/domain/client-id.ts'
import type { Db } from '../../../services/platform/db/db.ts'

/** The URL client that an operator has allowed. */
export const ALLOWED_CLIENT = 'https://app.acme-operator.com/oauth/client.json'

/** Gives an operator a client. */
export async function seedClients({ prisma }: Db, operatorId: string) {
  const edgeId = firstEdgeOf(operatorId, ALLOWED_CLIENT)
  const client = { operatorId, clientId: ALLOWED_CLIENT, edgeId, name: 'Acme App', putAt: new Date() }
  await prisma.client.create({ data: { ...client, status: 'allowed' } })
}

/** Gives an operator blocked clients, until it has as many as it may have. */
export async function fillClients({ pool }: Db, operatorId: string) {
  await pool.query(
    `INSERT INTO clients (operator_id, client_id, status, edge_id, name, put_at)
       SELECT $1, 'https://many.example/' || n, 'blocked', gen_random_uuid(), '', now()
       FROM generate_series(1, 10000 - (SELECT count(*) FROM clients WHERE operator_id = $1)) AS n`,
    [operatorId],
  )
}
