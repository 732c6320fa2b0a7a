import { invalidSpec } from './invalid-spec.js'

/** Refuses what is not the name of an IANA zone, letter case included, because ClickHouse minds it. */
export function assertTimeZone(timeZone: unknown): asserts timeZone is string {
  // An offset such as +02:00 is a zone to some engines, and none to ClickHouse.
  const canonical =
    typeof timeZone === 'string' && /[a-z]/i.test(timeZone) ? canonicalTimeZone(timeZone) : undefined
  if (typeof timeZone !== 'string' || canonical === undefined) {
    throw invalidSpec('timeZone', timeZone, "Pass an IANA name such as 'UTC' or 'Europe/Madrid'.")
  }
  if (canonical !== timeZone && canonical.toLowerCase() === timeZone.toLowerCase()) {
    throw invalidSpec('timeZone', timeZone, `Write it ${canonical}: ClickHouse minds the case.`)
  }
}

function canonicalTimeZone(timeZone: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}
