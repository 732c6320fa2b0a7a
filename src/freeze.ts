/** Plain data as a frozen copy, so that what it is taken from stays as it is. What is frozen already is not copied. */
export function frozenCopy<Value>(value: Value): Value {
  if (Object.isFrozen(value)) return value
  const copy = Array.isArray(value)
    ? (value as readonly unknown[]).map(frozenCopy)
    : Object.fromEntries(
        Object.entries(value as object).map(([key, each]) => [key, frozenCopy(each as unknown)]),
      )
  return Object.freeze(copy) as Value
}

/** Freezes plain data through and through and returns it, so that nobody changes it by accident. */
export function deepFreeze<Value>(value: Value): Value {
  // Everything but objects counts as frozen.
  if (!Object.isFrozen(value)) {
    Object.freeze(value)
    for (const each of Object.values(value as object)) deepFreeze(each as unknown)
  }
  return value
}
