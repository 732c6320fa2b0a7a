import * as fc from 'fast-check'

/** Any string at all, the ones that trip up JavaScript objects, SQL and displays more often than others. */
export const variantKey = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom('control', 'treatment', 'b', '', '__proto__', 'constructor', 'toString', '$multiple'),
    fc.constantFrom('10', '9', '-1', "it's", '\\', '"', '👍🏽', 'é', '\u2028'),
    fc.string({ unit: 'binary', maxLength: 4 }),
  )
