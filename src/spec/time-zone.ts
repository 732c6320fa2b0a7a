import { invalidSpec } from './invalid-spec.js'

// To some engines an offset such as +02:00 is a zone, and so are names that only they have; none are to ClickHouse.
const iana =
  /^(?!SystemV\/|(?:A[CES]T|AGT|ART|B[ES]T|C[ANS]T|CTT|E[AC]T|I[ES]T|JST|MIT|N[ES]T|P[LNRS]T|SST|VST)$)[A-Z]/

/** Refuses what is not the name of an IANA zone, letter case included, because ClickHouse minds it. */
export function assertTimeZone(timeZone: unknown): asserts timeZone is string {
  const name = typeof timeZone === 'string' ? timeZone : ''
  const canonical = canonicalTimeZone(name)
  if (canonical !== name && canonical?.toLowerCase() === name.toLowerCase()) {
    throw invalidSpec('timeZone', timeZone, `Write it ${canonical}: ClickHouse minds the case.`)
  }
  if (canonical === undefined || !iana.test(name)) {
    throw invalidSpec('timeZone', timeZone, "Pass an IANA name such as 'UTC' or 'Europe/Madrid'.")
  }
}

/** The platform's name of the zone; none for a text that is no zone to it. */
function canonicalTimeZone(timeZone: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}
