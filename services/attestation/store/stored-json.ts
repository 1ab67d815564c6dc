import type { Prisma } from '../../../gen/prisma/client.ts'

/** Returns an object as Prisma takes JSON. */
export function toStoredJson(value: object): Prisma.InputJsonObject {
  return JSON.parse(JSON.stringify(value))
}
