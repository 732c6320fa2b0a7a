import { createWriteStream, renameSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { exposedIdentitiesQuery, type ExposureWindow } from '../index.js'
import type { Experiment } from './experiment.js'
import { formatOf } from './file-format.js'
import { showUnknownProgress } from './progress.js'
import { ReportError } from './report-error.js'
import { tidyBeforeSignal } from './tidy-before-signal.js'

/**
 * Writes one row for each identity, in the format that the file's ending names. The rows go to a file beside it, which
 * takes its name when it is complete: a report that fails or is stopped leaves what was there before.
 */
export async function writeAssignments(
  path: string,
  { client, spec }: Experiment,
  window: ExposureWindow,
): Promise<{ readonly bytes: number }> {
  const { format, isText } = formatOf(basename(path))
  const exposed = exposedIdentitiesQuery(spec, window)
  // A text without a zone would be read in some reader's own. formatDateTime knows microseconds at most.
  const instant = isText
    ? `concat(
        formatDateTime(first_exposure, '%Y-%m-%dT%H:%i:%S.', 'UTC'),
        leftPad(toString(toUnixTimestamp64Nano(first_exposure) % 1000000000), 9, '0'),
        'Z'
      ) AS first_exposure`
    : 'first_exposure'
  const partial = `${path}.${process.pid}.partial`
  const partialFile = removedUnlessKept(partial)
  const progress = showUnknownProgress('Writing who')
  try {
    const { stream } = await client.exec({
      query: `SELECT identity, variant, ${instant}, quarantined, first_variant FROM (${exposed.query}) FORMAT ${format}`,
      query_params: exposed.query_params,
    })
    const file = createWriteStream(partial, { flags: 'wx' })
    await (/\.gz$/i.test(path) ? pipeline(stream, createGzip(), file) : pipeline(stream, file))
    renameSync(partial, path)
    return { bytes: file.bytesWritten }
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (syscall === undefined || !['open', 'write', 'rename', 'close'].includes(syscall)) throw error
    throw new ReportError(`${path} cannot be written (${code})`, { cause: error })
  } finally {
    partialFile.end()
    await progress.end()
  }
}

/** Removes a file when the work on it ends, or when the process ends before. A file that was renamed is not there. */
function removedUnlessKept(path: string): { end(): void } {
  const remove = (): void => {
    rmSync(path, { force: true })
  }
  process.once('exit', remove)
  const stopListening = tidyBeforeSignal(remove)
  return {
    end: () => {
      remove()
      process.removeListener('exit', remove)
      stopListening()
    },
  }
}
