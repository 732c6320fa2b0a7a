import { useEffect, useRef, type ReactElement } from 'react'
import { mountPanel, type ExposuresAnswer } from 'first-exposure/panel'

const ask = (url: string, method: string) => async (signal: AbortSignal) =>
  (await (await fetch(url, { method, signal })).json()) as ExposuresAnswer

/** The panel of an experiment, kept up to date. `url` answers GET with what is known, and POST to its `/refresh`. */
export function Exposures({ url }: { readonly url: string }): ReactElement {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const panel =
      place.current &&
      mountPanel(place.current, null, {
        onPoll: ask(url, 'GET'),
        onRefresh: ask(`${url}/refresh`, 'POST'),
      })
    return () => panel?.dispose()
  }, [url])
  return <div ref={place} />
}
