import { chmod, chown, mkdir } from 'node:fs/promises'
import type { Account } from '../../services/embedded-postgres/account.ts'

/** Makes a folder that only the account can enter. */
export async function ownFolder(path: string, account: Account | undefined): Promise<string> {
  await mkdir(path)
  await chmod(path, 0o700)
  if (account !== undefined) await chown(path, account.uid, account.gid)
  return path
}
