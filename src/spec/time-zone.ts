import { invalidSpec } from './invalid-spec.js'

// To some engines an offset such as +02:00 is a zone, and so are names that only they have; none are to ClickHouse.
const iana =
  /^(?!SystemV\/|(?:A[CES]T|AGT|ART|B[ES]T|C[ANS]T|CTT|E[AC]T|I[ES]T|JST|MIT|N[ES]T|P[LNRS]T|SST|VST)$)[A-Z]/

/** Refuses what is not the name of an IANA zone, letter case included, because ClickHouse minds it. */
export function assertTimeZone(timeZone: unknown): asserts timeZone is string {
  const canonical = typeof timeZone === 'string' ? canonicalTimeZone(timeZone) : undefined
  if (
    typeof timeZone === 'string' &&
    canonical !== timeZone &&
    canonical?.toLowerCase() === timeZone.toLowerCase()
  ) {
    throw invalidSpec('timeZone', timeZone, `Write it ${canonical}: ClickHouse minds the case.`)
  }
  if (typeof timeZone !== 'string' || canonical === undefined || !iana.test(timeZone)) {
    throw invalidSpec('timeZone', timeZone, "Pass an IANA name such as 'UTC' or 'Europe/Madrid'.")
  }
}

function canonicalTimeZone(timeZone: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}
