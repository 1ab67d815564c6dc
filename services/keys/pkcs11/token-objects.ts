import type { PublicJwk } from '@auth4agent/core/jose/public-jwk'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { Handle, Template } from 'pkcs11js'
import { MECHANISMS } from './algorithms.ts'
import { CKA, CKO, CKS_RW_USER_FUNCTIONS } from './constants.ts'
import { inTurn } from './cryptoki.ts'
import type { Session } from './token.ts'

/** The error when a key is not in the hardware token, or is there but cannot be used. */
export class KeyObjectError extends Error {
  override readonly name = 'KeyObjectError'
}

/** The error when a key is not in the hardware token. */
export class MissingKeyError extends KeyObjectError {}

/** Values by attribute number. */
type Attributes = Readonly<Record<number, number | boolean | string | Buffer>>

/** The label of a key that has no kid yet. */
const UNNAMED = 'auth4agent'
/** Maximum number of objects to read for one id. A key has two objects. */
const MAX_OBJECTS = 16
/** Bytes of the longest possible signature, which is made by an RSA key of 4096 bits. */
const MAX_SIGNATURE_BYTES = 512

/** Required attributes of a private half: the private half cannot leave the hardware token, and can only sign. */
const PRIVATE_TRAITS: Readonly<Record<number, boolean>> = {
  [CKA.TOKEN]: true,
  [CKA.PRIVATE]: true,
  [CKA.SENSITIVE]: true,
  [CKA.EXTRACTABLE]: false,
  [CKA.SIGN]: true,
  [CKA.SIGN_RECOVER]: false,
  [CKA.DECRYPT]: false,
  [CKA.UNWRAP]: false,
  [CKA.DERIVE]: false,
}
const PUBLIC_TRAITS: Readonly<Record<number, boolean>> = {
  [CKA.TOKEN]: true,
  [CKA.PRIVATE]: false,
  [CKA.VERIFY]: true,
  [CKA.VERIFY_RECOVER]: false,
  [CKA.ENCRYPT]: false,
  [CKA.WRAP]: false,
}

/**
 * Buffers that a thread of the addon uses. The addon keeps no reference to them, so this set protects them from
 * garbage collection.
 */
const inUse = new Set<Buffer>()

/**
 * Generates a key pair under an id and returns its public half.
 * @throws KeyObjectError when the new key does not have the requested attributes
 */
export function generatePair(session: Session, alg: TokenAlgorithm, id: string): Promise<PublicJwk> {
  const { calls, handle } = session
  const { generate, parameters, publicAttributes, toPublicJwk } = MECHANISMS[alg]
  const named = { [CKA.ID]: Buffer.from(id, 'hex'), [CKA.LABEL]: UNNAMED }
  return inTurn(async () => {
    const pair = await calls.C_GenerateKeyPairAsync(
      handle,
      { mechanism: generate },
      templateOf({ ...named, ...PUBLIC_TRAITS, ...parameters }),
      templateOf({ ...named, ...PRIVATE_TRAITS }),
    )
    checkPrivateHalf(session, pair.privateKey)
    const publicJwk = toPublicJwk(readAttributes(session, pair.publicKey, publicAttributes))
    if (publicJwk === undefined) throw new KeyObjectError(`The hardware token did not generate a key for ${alg}`)
    return publicJwk
  })
}

/** Throws KeyObjectError unless a private half cannot leave the hardware token and can only sign. */
export function checkPrivateHalf(session: Session, key: Handle): void {
  const traits = Object.entries(PRIVATE_TRAITS)
  const values = readAttributes(
    session,
    key,
    traits.map(([type]) => Number(type)),
  )
  const isAsAsked = traits.every(([, wanted], index) => values[index]?.equals(Buffer.from([wanted ? 1 : 0])))
  if (!isAsAsked)
    throw new KeyObjectError('The hardware token generated a private key that can leave it or can do more than sign')
}

/** Labels both halves of a key with its kid. */
export function labelPair(session: Session, id: string, kid: string): Promise<void> {
  const { calls, handle } = session
  return inTurn(() => {
    for (const half of findHalves(session, { [CKA.ID]: Buffer.from(id, 'hex') })) {
      calls.C_SetAttributeValue(handle, half, templateOf({ [CKA.LABEL]: labelOf(kid) }))
    }
  })
}

/** Removes the handle of a key from the cache, so that the next use searches for the key again. */
export function forgetKey(session: Session, id: string): void {
  session.keys.delete(id)
}

/**
 * Signs data that is prepared for the mechanism, and returns the raw signature.
 * @throws KeyObjectError when there is not exactly one such private key
 */
export async function signWith(session: Session, id: string, alg: TokenAlgorithm, data: Buffer): Promise<Buffer> {
  const { calls, handle } = session
  const output = Buffer.alloc(MAX_SIGNATURE_BYTES)
  await inTurn(() => {
    const key = session.keys.get(id) ?? findPrivateKey(session, id, alg)
    try {
      calls.C_SignInit(handle, { mechanism: MECHANISMS[alg].sign }, key)
    } catch (error) {
      // The key may have been destroyed, or its handle may now belong to another object.
      forgetKey(session, id)
      throw error
    }
  })
  inUse.add(data).add(output)
  try {
    return await calls.C_SignAsync(handle, data, output)
  } finally {
    inUse.delete(data)
    inUse.delete(output)
  }
}

/**
 * Destroys the objects of a key that have its id and its label, the private half first. Returns whether objects with
 * the same id but another label remain.
 * @throws MissingKeyError when there was no private half with the id
 */
export function destroyPair(session: Session, id: string, kid: string): Promise<boolean> {
  const any = { [CKA.ID]: Buffer.from(id, 'hex') }
  return inTurn(() => {
    const isMissing = findHalves(session, any, [CKO.PRIVATE_KEY]).length === 0
    destroyHalves(session, { ...any, [CKA.LABEL]: labelOf(kid) })
    if (isMissing) throw missing(id)
    return findHalves(session, any).length > 0
  })
}

/** Destroys all objects with an id. The id must be one that this process generated and that is in no row. */
export function destroyUnused(session: Session, id: string): Promise<void> {
  return inTurn(() => destroyHalves(session, { [CKA.ID]: Buffer.from(id, 'hex') }))
}

function destroyHalves(session: Session, template: Attributes): void {
  const { calls, handle } = session
  for (const half of findHalves(session, template)) calls.C_DestroyObject(handle, half)
}

/** Finds the objects of these classes. By default it returns private halves first, then public halves. */
function findHalves(
  session: Session,
  template: Attributes,
  classes: readonly number[] = [CKO.PRIVATE_KEY, CKO.PUBLIC_KEY],
): Handle[] {
  checkLogin(session)
  return classes.flatMap((objectClass) => findObjects(session, { ...template, [CKA.CLASS]: objectClass }))
}

function findPrivateKey(session: Session, id: string, alg: TokenAlgorithm): Handle {
  const template = { [CKA.CLASS]: CKO.PRIVATE_KEY, [CKA.ID]: Buffer.from(id, 'hex') }
  const [found, another] = findObjects(session, template)
  if (found === undefined) {
    checkLogin(session)
    throw missing(id)
  }
  if (another !== undefined)
    throw new KeyObjectError(`The hardware token must have only one private key with the id ${id}, but has several`)
  if (findObjects(session, { ...template, [CKA.KEY_TYPE]: MECHANISMS[alg].keyType }).length === 0)
    throw new KeyObjectError(`The private key with the id ${id} in the hardware token is not a key for ${alg}`)
  session.keys.set(id, found)
  return found
}

function missing(id: string): MissingKeyError {
  return new MissingKeyError(`The hardware token has no private key with the id ${id}`)
}

/**
 * Throws when the session is no longer logged in, because such a session finds no private objects but reports no
 * error.
 */
function checkLogin({ calls, handle }: Session): void {
  if (calls.C_GetSessionInfo(handle).state !== CKS_RW_USER_FUNCTIONS) throw new Error('CKR_USER_NOT_LOGGED_IN')
}

function findObjects({ calls, handle }: Session, template: Attributes): Handle[] {
  calls.C_FindObjectsInit(handle, templateOf(template))
  try {
    return calls.C_FindObjects(handle, MAX_OBJECTS)
  } finally {
    calls.C_FindObjectsFinal(handle)
  }
}

function readAttributes({ calls, handle }: Session, object: Handle, types: readonly number[]): Buffer[] {
  const wanted = types.map((type) => ({ type }))
  return calls.C_GetAttributeValue(handle, object, wanted).map(({ value }) => value)
}

function labelOf(kid: string): string {
  return `${UNNAMED} ${kid}`
}

function templateOf(attributes: Attributes): Template {
  return Object.entries(attributes).map(([type, value]) => ({ type: Number(type), value }))
}
