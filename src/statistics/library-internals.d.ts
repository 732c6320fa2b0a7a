// Three functions that the library keeps inside; chi-squared-upper-tail.ts says why they are needed.

declare module '@stdlib/math-base-special-gammainc/lib/lower_gamma_series.js' {
  /** `γ(a, z) a / (z^a e^-z)`, by its power series; the third argument is what the sum starts from */
  function lowerGammaSeries(a: number, z: number, initial: number): number
  export = lowerGammaSeries
}

declare module '@stdlib/math-base-special-gammainc/lib/regularised_gamma_prefix.js' {
  /** `z^a e^-z / Γ(a)` */
  function regularisedGammaPrefix(a: number, z: number): number
  export = regularisedGammaPrefix
}

declare module '@stdlib/math-base-special-gammainc/lib/upper_gamma_fraction.js' {
  /** `Γ(a, z) / (z^a e^-z)`, by Legendre's continued fraction */
  function upperGammaFraction(a: number, z: number): number
  export = upperGammaFraction
}
