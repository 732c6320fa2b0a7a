import type { AliasRow } from './arbitraries/aliases.js'
import type { ExposureEvent } from './arbitraries/exposure-events.js'

/** What an identifier resolves to: its only target, or itself. One step. */
export function resolver(aliases: readonly AliasRow[]): (identifier: string) => string {
  return (identifier) => targetsOf(identifier, aliases).at(0) ?? identifier
}

/** The events, each with the identifier that its own resolves to. */
export function resolvedEvents<Event extends ExposureEvent>(
  events: readonly Event[],
  aliases: readonly AliasRow[],
): readonly Event[] {
  const resolve = resolver(aliases)
  return events.map((e) => (e.identity === null ? e : { ...e, identity: resolve(e.identity) }))
}

/** Whether an identifier has several targets, so that no alias is applied. */
export function isAmbiguous(identifier: string, aliases: readonly AliasRow[]): boolean {
  return allTargets(identifier, aliases).size > 1
}

function targetsOf(identifier: string, aliases: readonly AliasRow[]): readonly string[] {
  const targets = allTargets(identifier, aliases)
  return targets.size === 1 ? [...targets] : []
}

function allTargets(identifier: string, aliases: readonly AliasRow[]): ReadonlySet<string> {
  if (identifier === '') return new Set()
  return new Set(
    aliases.flatMap(({ from, to }) =>
      from === identifier && to !== null && to !== '' && to !== from ? [to] : [],
    ),
  )
}
