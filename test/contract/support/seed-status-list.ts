import type { Db } from '../../../services/platform/db/db.ts'

const ID = '0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f0001'

/** Inserts a status list without tokens. Returns its id. */
export async function seedStatusList({ pool }: Db): Promise<string> {
  await pool.query(
    `INSERT INTO status_lists (id, alg, secret, timeline, first_epoch, ends_at)
     VALUES ($1, 'EdDSA', $2, wal_timeline(), 1, now() + interval '1 day')`,
    [ID, Buffer.alloc(32)],
  )
  return ID
}
