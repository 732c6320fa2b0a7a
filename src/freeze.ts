/** Freezes plain data through and through and returns it, so that nobody changes it by accident. */
export function deepFreeze<Value>(value: Value): Value {
  // Everything but objects counts as frozen.
  if (!Object.isFrozen(value)) {
    Object.freeze(value)
    for (const each of Object.values(value as object)) deepFreeze(each as unknown)
  }
  return value
}
