import { randomBytes } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { KeyVault } from '../../keys/index.ts'
import { change, systemAuthor } from '../../ledger/ledger.ts'
import { type HmacKey, importHmacKey } from '../../platform/crypto/hmac.ts'

/** The key of the MACs in refresh tokens. */
interface RefreshKey {
  readonly id: string
  readonly key: HmacKey
}

/** Finds the key of the MACs in refresh tokens. */
export interface RefreshKeys {
  /** Returns the key, and creates it if there is none. May return one that the database has no more. */
  current(): Promise<RefreshKey>
  /** Returns the key, or undefined if there is none: anybody can invent a refresh token, so this creates nothing. */
  known(): Promise<RefreshKey | undefined>
  /** Returns the key again, as `known` does, after a look into the database, which happens at most once a second. */
  reread(): Promise<RefreshKey | undefined>
}

interface Deps {
  readonly prisma: PrismaClient
  readonly vault: Pick<KeyVault, 'seal' | 'open'>
}

const REREAD_INTERVAL_MS = 1_000

/**
 * Creates the finder, which remembers the key. The end of all tokens of the deployment removes the key from the
 * database, so the statement that uses a refresh token checks its id.
 */
export function createRefreshKeys(deps: Deps): RefreshKeys {
  let last: Promise<RefreshKey | undefined> | undefined
  let readAt = Number.NEGATIVE_INFINITY
  const remember = (load: () => Promise<RefreshKey | undefined>) => {
    readAt = performance.now()
    last = load().catch((error: unknown) => {
      last = undefined
      throw error
    })
    return last
  }
  const known = () => last ?? remember(() => read(deps))
  return {
    known,
    reread: () => (performance.now() - readAt > REREAD_INTERVAL_MS ? remember(() => read(deps)) : known()),
    async current() {
      const key = (await known()) ?? (await remember(() => createAndRead(deps)))
      if (key === undefined) throw new Error('The database has no row in the table deployment')
      return key
    },
  }
}

async function createAndRead(deps: Deps): Promise<RefreshKey | undefined> {
  await create(deps)
  return read(deps)
}

async function read({ prisma, vault }: Deps): Promise<RefreshKey | undefined> {
  const row = await prisma.deployment.findFirst()
  if (row === null || row.refreshKeyId === null || row.wrappedRefreshKey === null) return undefined
  const id = row.refreshKeyId
  return { id, key: importHmacKey(vault.open(row.wrappedRefreshKey, row.refreshKekId, { purpose: 'refresh', id })) }
}

/** Of two processes that create it at the same time, one finds that there is one already. */
function create({ prisma, vault }: Deps): Promise<void> {
  const id = encodeBase64url(randomBytes(9))
  const { wrapped, kekId } = vault.seal(randomBytes(32), { purpose: 'refresh', id })
  return change(prisma, systemAuthor('refresh-key'), async (tx, audit) => {
    const data = { refreshKeyId: id, wrappedRefreshKey: Uint8Array.from(wrapped), refreshKekId: kekId }
    const { count } = await tx.deployment.updateMany({ where: { refreshKeyId: null }, data })
    if (count > 0) await audit({ action: 'refresh-key.create', subject: id })
  })
}
