/** How a file is compressed, in the engine's own words. */
export type Compression = 'none' | 'gz' | 'zstd' | 'bz2' | 'xz' | 'lz4'

const magic: readonly (readonly [Exclude<Compression, 'none'>, readonly number[]])[] = [
  ['gz', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bz2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
]

/** How the bytes are compressed, by what they begin with: a name may lie. */
export function compressionOf(head: Uint8Array): Compression {
  return magic.find(([, start]) => start.every((byte, index) => head[index] === byte))?.[0] ?? 'none'
}

/** A name without the ending of a compression: `events.csv` for `events.csv.gz`. */
export function withoutCompression(name: string): string {
  return name.replace(/(?<=.)\.(gz|zst|zstd|bz2|xz|lz4)$/i, '')
}
