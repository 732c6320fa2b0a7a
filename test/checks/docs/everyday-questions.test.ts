import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

// What a user asks, the page that the README links to, the heading there, and what the answer must have.
const questions: readonly (readonly [
  question: string,
  page: string,
  heading: string,
  ...answer: readonly string[],
])[] = [
  ['How do I count on a table of my own?', 'README.md', '## Use it on your table', 'fetchExposuresSummary('],
  ['Who is in this arm?', 'docs/metrics.md', '## The identities of one arm', 'WHERE variant ='],
  ['How do I join a metric?', 'docs/metrics.md', '## A metric by variant', 'LEFT JOIN', 'quarantined'],
  ['One person has two identifiers', 'docs/counting.md', '## Merged identities', 'aliases: {'],
  ['The split is wrong, what now?', 'docs/mismatch.md', '## By cause', '|'],
  ['Why is it lower than my count?', 'docs/diagnosis.md', '## The ledger', 'fetchExposureLedger('],
  ['I have 300 experiments', 'docs/scale.md', '## Many experiments at once', 'fetchExposuresSummaries('],
  ['Which rights does it need?', 'docs/production.md', '## Rights', 'SELECT(query_id, user, query)'],
  ['How do I erase a person?', 'docs/production.md', '## Erasure', 'rollup-erase', 'ALTER DELETE'],
  ['I come from 0.1', 'docs/production.md', '## Upgrades', '**From 0.1.**'],
  [
    'I write Python',
    'docs/command.md',
    '### From Python, without a ClickHouse client',
    'urllib.request.urlopen',
  ],
  [
    'I have a BI tool',
    'docs/metrics.md',
    '## A view for BI tools, dbt and other languages',
    'CREATE VIEW',
    'as_of_ms =',
  ],
  ['I have Next.js or Fastify', 'docs/panel.md', '## In your application', 'route.ts', 'whatIsKnown'],
  ['Which day is it in my time zone?', 'docs/counting.md', '## Buckets and time zones', 'timeZone'],
  ['Tell me when it breaks', 'docs/refreshes.md', '## Alerts', 'exposureFindings('],
  ['ClickHouse is down', 'docs/refreshes.md', '## When it fails', 'retryAfterMs'],
]

test.each(questions)('two clicks from the README: %s', async (_, page, heading, ...answer) => {
  const readme = await readFile('README.md', 'utf8')
  if (page !== 'README.md') expect(readme).toMatch(new RegExp(`\\]\\(${page.replaceAll('.', '\\.')}[#)]`))
  const depth = heading.indexOf(' ')
  const [, after] = `\n${await readFile(page, 'utf8')}`.split(`\n${heading}\n`)
  const section = after?.split(new RegExp(`\n#{1,${depth}} `))[0]
  for (const part of answer) expect(section).toContain(part)
})
