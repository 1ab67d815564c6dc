import type { Worker as Process } from 'node:cluster'

/** A connection as node:cluster sends it to a worker. */
interface Handle {
  close(...args: readonly unknown[]): unknown
}

/**
 * Makes an end of connections that a worker had not accepted when it died. node:cluster closes its own copy when a worker says that
 * it has one, and forgets it when the worker says nothing any more: the caller would wait for as long as the server lives.
 * @returns the function that looks after a worker, to be called before it is sent anything
 */
export function closeUnaccepted(): (child: Process) => void {
  const owners = new Map<Handle, Process>()
  return (child) => {
    const send = child.process.send.bind(child.process)
    child.process.send = (message: unknown, handle?: unknown, ...rest: readonly unknown[]): boolean => {
      if (isConnection(message) && isHandle(handle)) {
        // One that a worker has refused is sent to another, who then answers for it.
        if (!owners.has(handle)) onClose(handle, () => owners.delete(handle))
        owners.set(handle, child)
      }
      return Reflect.apply(send, undefined, [message, handle, ...rest])
    }
    child.process.once('exit', () => {
      // A process that is owed an answer about a connection waits for it before it says this, and would be handed more.
      child.process.emit('disconnect')
      for (const [handle, owner] of owners) if (owner === child) handle.close()
    })
  }
}

function isConnection(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'act' in message && message.act === 'newconn'
}

function isHandle(handle: unknown): handle is Handle {
  return typeof handle === 'object' && handle !== null && 'close' in handle && typeof handle.close === 'function'
}

function onClose(handle: Handle, tell: () => void): void {
  const close = handle.close.bind(handle)
  handle.close = (...args) => {
    tell()
    return close(...args)
  }
}
