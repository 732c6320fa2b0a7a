import { tryResolveLibchdb } from 'chdb/libchdb'

/** Is there an engine for this platform? There is none for Windows and musl; tests that need it are then skipped by name. */
export const engineAvailable: boolean = tryResolveLibchdb() !== undefined
