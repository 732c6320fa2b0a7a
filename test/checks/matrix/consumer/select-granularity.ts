// What a page that needs one small function imports.
import { selectGranularity } from 'first-exposure'

console.log(selectGranularity({ startMs: 1_780_272_000_000, asOfMs: 1_780_531_200_001 }))
