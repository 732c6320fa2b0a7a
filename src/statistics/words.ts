/** A probability as a sentence shows it, from its natural logarithm: three digits, even if a double has none. */
function inWords(logProbability: number): string {
  if (logProbability > -690) return short(Math.exp(logProbability), 3)
  const exponent = Math.floor(logProbability / Math.LN10)
  const digits = Math.exp(logProbability - exponent * Math.LN10)
  return `${short(Math.min(digits, 9.99), 3)}e${exponent}`
}

/** A probability below a threshold, with as many digits as it takes to see that it is. */
export function below(logProbability: number, threshold: number, correction: string = ''): string {
  const probability = Math.exp(logProbability)
  for (let digits = 3; digits < 17; digits++) {
    const text = digits === 3 ? inWords(logProbability) : short(probability, digits)
    if (Number(text) < threshold) return `${text}${correction}, below ${threshold}`
  }
  return `${probability}${correction}, below ${threshold}`
}

/** Two shares as percentages, the greater first, with as many digits as it takes to tell them apart. */
export function percentages(share: number, other: number): readonly [string, string] {
  for (let digits = 3; digits < 17; digits++) {
    const texts = [percent(share, digits), percent(other, digits)] as const
    if (texts[0] !== texts[1] || share === other) return texts
  }
  return [`${share * 100} %`, `${other * 100} %`]
}

function percent(share: number, digits: number): string {
  return `${short(share * 100, digits)} %`
}

function short(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits)))
}

/** `1 identity`, `2 identities`; with a verb, `1 identity was`, `2 identities were`. */
export function identities(count: number, verb?: readonly [one: string, many: string]): string {
  const noun = count === 1 ? 'identity' : 'identities'
  return `${count} ${noun}${verb === undefined ? '' : ` ${verb[count === 1 ? 0 : 1]}`}`
}
