import { usageError } from '../cli-error.ts'

/** Turns the TypeError of the SDK for a name that no server accepts into an error of the command line. */
export async function usingNames<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof TypeError ? usageError(error.message) : error
  }
}
