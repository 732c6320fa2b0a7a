// Runs in the browser: see panel.ts.
import { mountPanel, type ExposuresAnswer, type Panel } from 'first-exposure/panel'

/** How long a page without a panel, a mount and an update take until they are laid out, in milliseconds. */
export function panelTimes(first: ExposuresAnswer, next: ExposuresAnswer): readonly number[] {
  const place = document.body
  const timed = (act: () => void): number => {
    const began = performance.now()
    act()
    // Reading a height lays the page out.
    if (place.offsetHeight < 0) throw new Error('no layout')
    return performance.now() - began
  }
  const host = document.createElement('div')
  const empty = timed(() => {
    host.attachShadow({ mode: 'open' }).append('A page without a panel')
    place.append(host)
  })
  host.remove()
  let panel: Panel | undefined
  const mount = timed(() => {
    panel = mountPanel(place, first)
  })
  const update = timed(() => panel?.update(next))
  panel?.dispose()
  return [empty, mount, update]
}
