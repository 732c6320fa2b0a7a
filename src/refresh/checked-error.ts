import { checkedObject } from './checked-object.js'
import type { RefreshError } from './refresh-state.js'
import type { Refusal } from './refusal.js'

/** Code, transience and message, and nothing else of what came (a stack, a query); or the refusal. */
export function checkedError(value: unknown, path: string, refuse: Refusal): RefreshError {
  const { code, transient, message } = checkedObject(value, path, refuse)
  if (typeof code !== 'string' || !/^[\w.-]{1,64}$/.test(code)) {
    throw refuse(
      `${path}.code`,
      code,
      'Expected 1 to 64 ASCII letters, digits, dots, hyphens and underscores.',
    )
  }
  if (typeof transient !== 'boolean') throw refuse(`${path}.transient`, transient, 'Expected true or false.')
  if (typeof message !== 'string' || message.length < 1 || message.length > 500 || !message.isWellFormed()) {
    throw refuse(`${path}.message`, message, 'Expected 1 to 500 characters of well-formed Unicode.')
  }
  return Object.freeze({ code, transient, message })
}
