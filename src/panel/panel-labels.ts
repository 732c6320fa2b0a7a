/** The forms of a text that counts something, by the plural category of `count` in the panel's locale. */
export type PluralLabel = Readonly<Partial<Record<Intl.LDMLPluralRule, string>>> & { readonly other: string }

/** Every text of the panel; see {@link panelLabels}. */
export type PanelLabels = { readonly [Label in keyof typeof panelLabels]: string | PluralLabel }

/**
 * Every text of the panel, in English. Pass your own as the option `labels`: all of them, or only some.
 *
 * A word in braces is replaced: `{count}` by a number in the panel's locale, the others as their names say. A text may
 * leave one out. If a text counts something, it can be an object with a form for each plural category of the language
 * (`one`, `few`, `many`, …; see `Intl.PluralRules`); `other` is for all categories without a form. It is plain data, so it
 * can come from a file of translations.
 *
 * @example
 * ```ts
 * import { panelLabels } from 'first-exposure/panel'
 *
 * panelLabels.refresh // => 'Refresh'
 * const spanish = { ...panelLabels, refresh: 'Actualizar', control: 'Control' }
 * spanish.excluded // => 'Excluded'
 * ```
 */
export const panelLabels = {
  // Numbers.
  lessThan: '<{value}',
  moreThan: '>{value}',
  noFigure: '–',
  below: 'below {value}',
  listAndMore: '{list} and {count} more',

  // The page, and what cannot be shown.
  pageTitle: '{title} – first exposures',
  needsScript: 'This page needs JavaScript to show its figures. Allow scripts to see them.',
  licences: 'Licences of the code in this page',
  loading: 'Loading',
  loadingSentence: 'The count is being loaded.',
  cannotBeShown: 'This panel cannot be shown',
  otherVersion:
    'The answer has version {received}, and this panel reads version {expected}. Use the same version of first-exposure on the server and in the page.',
  noAnswer: 'What came is not an answer of exposuresAnswer.',
  malformedAnswer: 'The answer is damaged: {message}',
  noReply: 'The service does not answer as it should: {message}',
  lastAnswerShown: 'You see its last answer.',

  // The state of the count.
  final: 'Final',
  finalSentence: 'The experiment has ended and is counted completely. These numbers do not change any more.',
  loaded: 'Loaded',
  snapshot: 'Snapshot',
  refreshingStatus: 'Refreshing',
  refreshRuns: 'A refresh is running. It was requested at {when}.',
  refreshRan: 'A refresh was running when this page was made. It was requested at {when}.',
  noEarlierCount: 'There is no earlier count to show.',
  lastCountMeanwhile: 'Until it ends, you see the last good count.',
  oldCountMeanwhile:
    'Until it ends, you see an old count: the experiment, or the way to count it, may have changed since.',
  refreshBeforeFailed: 'The refresh before it failed: {message} ({code}).',
  stale: 'Stale',
  newerRefreshFailed: 'A newer refresh failed at {when}: {message} ({code}).',
  lastCountShown: 'You see the last good count.',
  outdated: 'Outdated',
  oldCountShown: 'You see an old count: the experiment, or the way to count it, may have changed since.',
  failed: 'Failed',
  refreshFailed: 'The refresh failed at {when}: {message} ({code}).',
  mayRetry: 'The next try may succeed.',
  mustFix: 'Somebody must fix the cause before the next try.',
  empty: 'Nothing yet',
  startsAt: 'The experiment starts at {when}.',
  nothingCounted: 'Nothing has been counted yet.',
  pressRefresh: 'Press Refresh to see who entered.',
  instantInZone: '{instant} ({zone})',

  // The head.
  refresh: 'Refresh',
  refreshing: 'Refreshing…',
  notStarted: 'Not started yet',
  possibleAgainIn: 'Possible again in {time}',
  timesIn: 'Times in',
  timesInZone: 'Times in {zone}',
  zoneOfExperiment: '{zone} (experiment)',
  zoneOfReader: '{zone} (you)',
  aboutByHour: '{start} to {end}, {duration}, by hour',
  aboutByDay: '{start} to {end}, {duration}, by day',
  bucketsInZone: 'buckets in {zone}',

  // The main figures.
  entered: 'Identities entered',
  inVariants: { one: 'in {count} variant', other: 'in {count} variants' },
  notCountedYet: 'not counted yet',
  excluded: 'Excluded',
  excludedNote: '{share} of all identities seen; they were in several variants',
  nobodySeen: 'nobody was seen',
  noneExcludedNote: 'identities in several variants count in the first one',
  split: 'Split',
  againstConfigured: 'against the configured shares',
  equalAssumed: 'equal shares assumed',
  countedUpTo: 'Counted up to',
  justNow: 'just now',
  noCountYet: 'There is no count yet.',
  nobodyEntered: 'Nobody has entered so far. No identity was counted in this window.',
  nobodyLeft: {
    one: 'Nobody has entered so far: the {count} identity seen was in several variants and is excluded.',
    other:
      'Nobody has entered so far: the {count} identities seen were in several variants and are excluded.',
  },

  // The chart.
  newPerHour: 'New identities per hour',
  newPerDay: 'New identities per day',
  show: 'Show',
  cumulative: 'Cumulative',
  perHour: 'New per hour',
  perDay: 'New per day',
  bucketOfChart: 'Bucket of the chart; use the arrow keys to move',
  upToEndOf: 'Up to the end of {bucket}',
  upTo: 'Up to {instant}',
  bucketFrom: '{bucket}, from {instant}',
  bucketUpTo: '{bucket}, up to {instant}',
  bucketFromTo: '{bucket}, from {start} up to {end}',
  bucketSoFar: '{bucket}, up to {instant} so far',
  bucketFromSoFar: '{bucket}, from {start} up to {end} so far',
  stillOpen: 'A hollow dot and hatching mark a part of the time that is not over yet.',
  notDrawn: {
    one: '{count} smaller variant is not drawn. The table of variants counts it.',
    other: '{count} smaller variants are not drawn. The table of variants counts them.',
  },
  numbersAsTable: 'The numbers as a table',
  runningTotalsByHour: 'Identities entered up to the end of each hour, by variant',
  runningTotalsByDay: 'Identities entered up to the end of each day, by variant',
  newByHour: 'New identities in each hour, by variant',
  newByDay: 'New identities in each day, by variant',
  hour: 'Hour',
  day: 'Day',
  scrolls: 'Scroll sideways to see all columns',

  // The variants.
  variants: 'Variants',
  variantsCaption: 'Identities by variant',
  variant: 'Variant',
  identities: 'Identities',
  share: 'Share',
  expected: 'Expected',
  ifEqual: 'If equal',
  noneExpected: 'none',
  control: 'Control',
  notConfigured: 'Not configured',
  emptyKey: '(empty)',
  allVariants: 'All variants',
  moreVariants: { one: '{count} more variant', other: '{count} more variants' },
  withoutColumn: {
    one: '{count} more variant has no column in this table.',
    other: '{count} more variants have no column in this table.',
  },
  excludedShareNote: {
    one: 'The share of the excluded is of the {count} identity seen.',
    other: 'The share of the excluded is of all {count} identities seen.',
  },

  // The split.
  splitTitle: 'Can the split be trusted?',
  configuredSplit: 'configured split',
  equalSplit: 'equal split',
  noSplitGiven: 'No split was given, so this assumes equal shares.',
  splitUnknown: 'The split cannot be checked',
  splitTooEarly: 'Too early to judge the split',
  splitReason: '{reason}',
  mismatch: 'Sample ratio mismatch',
  notEqual: 'Not an equal split',
  offForAWhile: 'The split was off for a while',
  noMismatch: 'No mismatch found',
  noMismatchIfEqual: 'No mismatch with an equal split found',
  chance: 'By chance alone, {chance} without a fault end at least this far from the {split}.',
  chanceAll: 'all experiments',
  chanceOfHundred: '{number} of 100 experiments',
  chanceOneOf: 'one of {number} experiments',
  chanceOfTrillion: 'fewer than one of a trillion experiments',
  sequentialToo: 'The test that allows for a look after every bucket finds it too.',
  sequentialNotYet:
    'The test that allows for a look after every bucket does not find it so far. It answers later, so wait for it if you look often.',
  fitsNow:
    'The totals fit the {split} now, but after some bucket they were further from it than chance explains.',
  findCause:
    'Something between assignment and counting loses or adds identities in some variants: redirects, crashes, bots, late logging. Find it before you trust any result.',
  findCauseIfEqual:
    'If another split was configured, say which: this verdict does not apply to it. If the split was equal, find what loses or adds identities before you trust any result.',
  strays: {
    one: 'A variant has identities although none are expected in it: {list}. They are left out of this verdict.',
    other:
      '{count} variants have identities although none are expected in them: {list}. They are left out of this verdict.',
  },
  couldShow: 'With this many identities, only {one}:{other} or further would have been called a mismatch.',
  silentArm: {
    one: '{variant} has no identity any more, while {count} identity fell on the other variants: look whether it is still served.',
    other:
      '{variant} has no identity any more, while {count} identities fell on the other variants: look whether it is still served.',
  },
  neverSeenArm: {
    one: '{variant} has no identity so far, while {count} identity fell on the other variants: look whether it is served.',
    other:
      '{variant} has no identity so far, while {count} identities fell on the other variants: look whether it is served.',
  },
  rateFallen: {
    one: 'The last 24 hours brought {count} identity, {share} of the usual {usual}: look whether exposures still arrive.',
    other:
      'The last 24 hours brought {count} identities, {share} of the usual {usual}: look whether exposures still arrive.',
  },
  excludedUnknown: 'The excluded share cannot be computed.',
  excludedNobody: 'Nobody was seen, so nobody is excluded.',
  noneExcluded: 'An identity in several variants counts in the first one, so none is excluded.',
  excludedSentence: {
    one: '{count} of {seen} seen ({share}) was in several variants and is excluded.',
    other: '{count} of {seen} seen ({share}) were in several variants and are excluded.',
  },
  excludedWarning:
    'This is more than the 1% that is worth a warning: the assignment may not stick, and the identities that are left may not be a random sample.',
  excludedAcceptable: 'This is not more than the 1% that is worth a warning.',
  oneLook: 'One look at the totals',
  oneLookNote: 'A mismatch is p below 0.001 (chi-squared test).',
  oneLookFigures: 'p {p}',
  oneLookStatistic: {
    one: 'p {p}, χ² = {statistic} with {count} degree of freedom',
    other: 'p {p}, χ² = {statistic} with {count} degrees of freedom',
  },
  everyLook: 'A look after every bucket',
  everyLookFigures: {
    one: 'running p {p}, log Bayes factor {factor} after {count} closed bucket',
    other: 'running p {p}, log Bayes factor {factor} after {count} closed buckets',
  },
  everyLookNote: 'This test stays right however often you look (Lindon & Malek, 2022).',
  neverCrossed: 'It never found a mismatch.',
  firstCrossed: 'It first found a mismatch after {bucket}.',
  openBucketLeftOut: 'The last bucket is left out, because the window covers only part of it.',
  splitCaption: 'Counted and expected identities by variant',
  counted: 'Counted',
  difference: 'Difference',
  partOfStatistic: 'Part of χ²',

  // The ledger.
  ledgerTitle: 'Where the events went',
  ledgerCaption: 'Events from scanned to counted',
  events: 'Events',
  number: 'Number',
  scanned: 'Scanned',
  exposures: 'Exposures',
  firstExposures: 'First exposures',
  noTimestamp: 'Without a timestamp',
  beforeWindow: 'Before the window',
  afterWindow: 'After the window',
  filtered: 'Filtered out',
  noVariant: 'Without a variant',
  noIdentity: 'Without an identity',
  duplicates: 'Duplicates',
  quarantined: 'Quarantined',
  ledgerSum: '{scanned} scanned = {terms}.',
  termNoTimestamp: '{number} without a timestamp',
  termBeforeWindow: '{number} before the window',
  termAfterWindow: '{number} after the window',
  termFiltered: '{number} filtered out',
  termNoVariant: '{number} without a variant',
  termNoIdentity: '{number} without an identity',
  termDuplicates: '{number} duplicates',
  termQuarantined: '{number} quarantined',
  termFirstExposures: '{number} first exposures',
  ledgerCounted: {
    one: '{count} identity is counted, each with its first exposure.',
    other: '{count} identities are counted, each with its first exposure.',
  },
  ledgerExcluded: { one: '{count} identity is quarantined.', other: '{count} identities are quarantined.' },
  ledgerJoined: {
    one: '{count} identifier was joined to another one by an alias.',
    other: '{count} identifiers were joined to others by aliases.',
  },
  ledgerAmbiguous: {
    one: '{count} identifier has an ambiguous alias and was not joined.',
    other: '{count} identifiers have ambiguous aliases and were not joined.',
  },
  ledgerChained: {
    one: '{count} joined identifier stands for an alias itself.',
    other: '{count} joined identifiers stand for aliases themselves.',
  },
  ledgerQuarantinedByJoining: {
    one: '{count} identity is quarantined only because its identifiers were joined.',
    other: '{count} identities are quarantined only because their identifiers were joined.',
  },
  allConfigured: 'All variants seen are configured.',
  notConfiguredList: 'Not configured: {list}.',
  notConfiguredItem: '{variant} with {exposures} and {identities} counted',
  exposureCount: { one: '{count} exposure', other: '{count} exposures' },
  identityCount: { one: '{count} identity', other: '{count} identities' },
  noArrivalColumn: 'No arrival column is known, so this cannot say how late events arrived.',
  noArrivalTime: 'No exposure has an arrival time.',
  lateness:
    'Of {exposures} whose arrival is known, half arrived within {p50}, 90% within {p90}, 99% within {p99}, the last after {max}.',
  lateEvents: {
    one: '{count} of them ({share}) arrived after the end of its bucket.',
    other: '{count} of them ({share}) arrived after the end of their bucket.',
  },
  aSecond: 'a second',

  // The crossovers.
  crossoversTitle: 'Who crossed over',
  nobodyCrossed: 'Nobody was exposed to more than one variant.',
  crossedByHour: {
    one: '{count} of {seen} seen ({share}) was exposed to more than one variant; the hour in which most of them changed was {bucket}, with {peak}.',
    other:
      '{count} of {seen} seen ({share}) were exposed to more than one variant; the hour in which most of them changed was {bucket}, with {peak}.',
  },
  crossedByDay: {
    one: '{count} of {seen} seen ({share}) was exposed to more than one variant; the day on which most of them changed was {bucket}, with {peak}.',
    other:
      '{count} of {seen} seen ({share}) were exposed to more than one variant; the day on which most of them changed was {bucket}, with {peak}.',
  },
  quarantineEvenly: 'Quarantine falls evenly on the variants',
  quarantineUnevenly: 'Quarantine falls unevenly on the variants',
  crossoversEvenly: 'Crossovers fall evenly on the variants',
  crossoversUnevenly: 'Crossovers fall unevenly on the variants',
  crossoversTooFew: 'Too few crossovers to judge',
  crossoversUnknown: 'The crossovers cannot be judged',
  crossoversReason: '{reason}',
  chanceOfUnevenness:
    'By chance alone, {chance} without a fault spread it over the variants at least this unevenly.',
  quarantineBiased:
    'The identities that stay in a variant were then selected by what it does, or by how it was assigned. The comparison is biased, however few are quarantined. Find out why identities change their variant before you trust any result.',
  crossoversBiased:
    'Something in one variant makes identities leave it, or it is assigned again more often. Find it before you trust any result.',
  assignedMismatch:
    'With everybody in their first variant the split is off as well: look at the assignment, not at who was excluded.',
  assignedConsistent:
    'With everybody in their first variant no mismatch was found: if the split is off now, the exclusion did it.',
  matrixCaption: 'Identities by their first variant and the next one',
  firstIn: 'First in',
  thenVariant: 'then {variant}',
  all: 'All',
  pairsCaption: 'Pairs of variants: how long between, and when',
  fromTo: 'From → to',
  medianBetween: 'Median between',
  when: 'When (and peak)',
  noTime: 'none',
  crossedShareNote: 'The share is of all identities that were first in the variant.',
  matrixLeft: {
    one: 'The table shows the largest variants. {count} more is only included in the sums.',
    other: 'The table shows the largest variants. {count} more are only included in the sums.',
  },
  largestPairs: 'These are the {shown} largest of {number} pairs.',

  // The slices.
  slicesTitle: 'Slices by {column}',
  slicesCaption: 'The split by slice',
  value: 'Value',
  pCorrected: 'p, corrected',
  allOthers: '(all others)',
  noValue: '(no value)',
  sliceMismatch: 'mismatch',
  sliceConsistent: 'none found',
  sliceTooFew: 'too few',
  sliceUnknown: 'no figure',
  slicesOff: {
    one: 'The split is off in {off} of {count} slice',
    other: 'The split is off in {off} of {count} slices',
  },
  slicesFine: 'No mismatch found in any slice',
  slicesUnknown: 'The slices cannot be judged',
  slicesReason: '{reason}',
  assumesEqual: 'This assumes equal shares.',
  corrected: {
    one: 'Corrected for looking at {count} slice (Holm, 1979): in less than 1 of 1,000 experiments without a fault, any slice is called a mismatch.',
    other:
      'Corrected for looking at {count} slices (Holm, 1979): in less than 1 of 1,000 experiments without a fault, any slice is called a mismatch.',
  },

  // The foot.
  countedOnce:
    'Each identity is counted once, in the bucket of its first exposure. An identity that was in several variants is excluded, and counted nowhere else. The end of the window is not included.',
  countedFirst:
    'Each identity is counted once, in the bucket of its first exposure. An identity that was in several variants counts in the first one. The end of the window is not included.',
} as const
