/** Whether this is the source, and not the command as built. */
export const isSource: boolean = import.meta.url.endsWith('.ts')
