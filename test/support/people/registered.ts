import { sealClientId } from '../../../services/people/clients/domain/registered-client.ts'
import { REGISTRATION_KEY } from '../people.ts'
import { type ConsentedUser, REDIRECT, type useUserWorld } from './user-world.ts'

/** A client that has registered itself, with the redirect URI of the world and one on the computer of the user. */
export const REGISTERED = sealClientId(REGISTRATION_KEY, {
  name: 'A registered client',
  redirectUris: [REDIRECT, 'http://127.0.0.1/callback'],
})

/** Lets the owner of a user's audience admit any client that is no agent, and no client by its list. */
export async function admitAny(world: ReturnType<ReturnType<typeof useUserWorld>>, { owner }: ConsentedUser) {
  const { pool } = world.database.db
  const any = `UPDATE operator_audiences SET users = jsonb_set(users, '{clients}', '"any"') WHERE operator_id = $1`
  await pool.query(any, [owner.id])
  await pool.query('DELETE FROM clients WHERE operator_id = $1', [owner.id])
}
