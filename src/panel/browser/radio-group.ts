import { element } from './element.js'

/** A choice of one among a few, as a group of radio buttons that look like a switch. */
export function radioGroup<Value extends string>(
  name: string,
  legend: string,
  options: readonly { readonly value: Value; readonly label: string }[],
  chosen: Value,
  onChange: (value: Value) => void,
): HTMLFieldSetElement {
  return element(
    'fieldset',
    { class: 'switch' },
    element('legend', {}, legend),
    ...options.map(({ value, label }) => {
      const input = element('input', { type: 'radio', name, value })
      input.checked = value === chosen
      input.addEventListener('change', () => {
        if (input.checked) onChange(value)
      })
      return element('label', {}, input, element('span', {}, label))
    }),
  )
}
