import type { Queries } from '../issuers/read-issuers.ts'

/** Reads the head of the revocation log, `<log epoch>-<sequence>`. */
export async function readPosition(queries: Queries): Promise<string> {
  const text = `SELECT log_epoch || '-' || sequence AS position FROM revocation_head`
  return (await queries.query<{ position: string }>(text)).rows[0]?.position ?? ''
}
