/** Freezes plain data through and through and returns it: what a summary promises, nobody can break by accident. */
export function deepFreeze<Value>(value: Value): Value {
  // What is no object counts as frozen.
  if (!Object.isFrozen(value)) {
    Object.freeze(value)
    for (const each of Object.values(value as object)) deepFreeze(each as unknown)
  }
  return value
}
