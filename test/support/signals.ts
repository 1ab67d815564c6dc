import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { SignalStream } from '../../gen/prisma/client.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { audienceOf } from '../../services/signals/events/build-sets.ts'
import { createReadNextSets } from '../../services/signals/events/read-next-sets.ts'
import { type Stream, toStream } from '../../services/signals/store/stream.ts'

export const SIGNALS_ISSUER = 'https://auth.alpha.test'
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** The key with which `eventSigner` signs. */
export const eventKey = publicKey

/** Signs security event tokens as the server does. */
const eventSigner = {
  sign: (claims: object) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', typ: 'secevent+jwt', kid: 'k' }).sign(privateKey),
}

/** Returns the audience of a stream in these tests. */
export const audience = (id: string): string => audienceOf(SIGNALS_ISSUER, id)

/** Creates the reader of the next events, with the issuer and the signer of these tests. */
export const nextSetsOf = ({ pool }: Db) => createReadNextSets({ pool, issuer: SIGNALS_ISSUER, signer: eventSigner })

/** Inserts a stream that begins at the head of the log. */
export async function insertStream(
  { prisma }: Db,
  operatorId: string,
  part: Partial<Omit<SignalStream, 'pending'>> & { readonly pending?: object[] } = {},
): Promise<Stream> {
  const { logEpoch, sequence, hash } = await prisma.revocationHead.findFirstOrThrow()
  const endpoint = { deliveryMethod: 'push', endpointUrl: 'http://events.alpha.test:1/' }
  return toStream(
    await prisma.signalStream.create({ data: { operatorId, logEpoch, sequence, hash, ...endpoint, ...part } }),
  )
}

/** Reads a stream again. */
export async function readStream({ prisma }: Db, { id }: Pick<Stream, 'id'>): Promise<Stream> {
  return toStream(await prisma.signalStream.findUniqueOrThrow({ where: { id } }))
}

/** Revokes a token of an operator as another program would, and returns its jti. */
export async function insertRevocation({ prisma }: Db, operatorId: string): Promise<string> {
  const jti = randomUUID()
  await prisma.revokedToken.create({ data: { operatorId, jti, expiresAt: new Date(Date.now() + 3_600_000) } })
  return jti
}
