import type { ByteStream } from './exposure-client.js'

/** Reads a stream of bytes, of whatever kind, chunk by chunk. */
export interface ByteReader {
  /** The next chunk. `undefined` at the end. */
  readonly read: () => Promise<Uint8Array | undefined>
  /** Closes the stream and its connection, even while a chunk is awaited. */
  readonly close: () => void
}

/** The reader of a stream. Nothing is read ahead, so a slow reader slows down the server. */
export function byteReader(stream: ByteStream): ByteReader {
  // The reader first: not every browser can iterate over a web stream.
  if ('getReader' in stream) {
    const reader = stream.getReader()
    return {
      read: async () => {
        const { done, value } = await reader.read()
        return done ? undefined : value
      },
      close: () => {
        reader.cancel().catch(ignore)
      },
    }
  }
  const chunks = stream[Symbol.asyncIterator]()
  return {
    read: async () => {
      const { done, value } = await chunks.next()
      return done === true ? undefined : value
    },
    close: () => {
      // A Readable's iterator waits for its next chunk before it ends, so the Readable itself is ended.
      const { destroy } = stream as { readonly destroy?: () => void }
      if (typeof destroy === 'function') destroy.call(stream)
      else chunks.return?.().then(undefined, ignore)
    },
  }
}

function ignore(): void {
  // The stream is of no use any more, whether or not it could be closed.
}
