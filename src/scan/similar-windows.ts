import type { ExposureWindow } from '../time/exposure-window.js'

/**
 * Groups questions whose windows are similar: the time from the first start to the last end of a group is at most twice
 * the window of each. One pass reads all of that time for each of its experiments, so in a table that is sorted by
 * feature none of them reads more than twice what it would read alone. In a table that is sorted by time, the groups
 * together read little more than the time that one pass would read.
 */
export function similarWindows<Asked extends { readonly window: ExposureWindow }>(
  questions: readonly Asked[],
): readonly (readonly Asked[])[] {
  interface Group extends ExposureWindow {
    readonly asked: Asked[]
  }
  const groups: Group[] = []
  for (const each of [...questions].sort((a, b) => lengthOf(b.window) - lengthOf(a.window))) {
    const { window } = each
    const joined = ({ startMs, asOfMs }: ExposureWindow): ExposureWindow => ({
      startMs: Math.min(startMs, window.startMs),
      asOfMs: Math.max(asOfMs, window.asOfMs),
    })
    // The longest came first, so this window is the shortest of the group.
    const place = groups.findIndex((group) => lengthOf(joined(group)) <= 2 * lengthOf(window))
    const group = groups[place]
    if (group === undefined) groups.push({ ...window, asked: [each] })
    else groups[place] = { ...group, ...joined(group), asked: group.asked }
    group?.asked.push(each)
  }
  return groups.map(({ asked }) => asked)
}

function lengthOf({ startMs, asOfMs }: ExposureWindow): number {
  return asOfMs - startMs
}
