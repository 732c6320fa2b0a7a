import {
  accessSync,
  constants,
  createReadStream,
  createWriteStream,
  existsSync,
  readdirSync,
  statSync,
  type Dirent,
} from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { glob, isDynamicPattern } from 'tinyglobby'
import { hasKnownEnding } from './file-format.js'
import { oneLine, ReportError } from './report-error.js'

/** A file to read: what the user calls it, and where it is. */
export interface InputFile {
  readonly name: string
  /** What a command line calls it. */
  readonly typed: string
  readonly path: string
  readonly bytes: number
  /** What the reader of the report should know about how it was found, as sentences. */
  readonly notes?: readonly string[]
}

/**
 * The files behind what a user names: paths, patterns, folders, `-` for standard input, and addresses. Standard input
 * and addresses are copied into a directory first, because a file is read more than once.
 */
export async function inputFiles(
  named: readonly string[],
  directory: string,
  standardInput: Readable = process.stdin,
): Promise<readonly InputFile[]> {
  const files: InputFile[] = []
  for (const [index, name] of named.entries()) {
    const copy = join(directory, `copy-${index}`)
    if (name === '-') files.push(await copied(standardInput, copy, 'standard input'))
    else if (/^https?:\/\//i.test(name)) files.push(await downloaded(name, copy))
    else if (isReadOnce(name)) files.push(await copied(createReadStream(name), copy, 'the pipe'))
    else files.push(...(await onDisk(name)))
  }
  const twice = files.find(({ path }, index) => files.findIndex((other) => other.path === path) < index)
  if (twice !== undefined) {
    throw new ReportError(`${twice.name} is named twice, and its rows would count twice: name each file once`)
  }
  return files
}

/** Whether what a user names can be read only once: standard input, and pipes such as the `/dev/fd/63` of `<(…)`. */
export function isReadOnce(name: string): boolean {
  const stats = name === '-' ? undefined : statSync(name, { throwIfNoEntry: false })
  return name === '-' || stats?.isFIFO() === true || stats?.isCharacterDevice() === true
}

/** What messages and the report call the file of an address: never its query, which may hold a secret. */
export function inputName(named: string): string {
  if (named === '-') return 'standard input'
  if (!/^https?:\/\//i.test(named) || !URL.canParse(named)) return basename(named)
  const { pathname, host } = new URL(named)
  return basename(decodedPath(pathname)) || host
}

async function onDisk(name: string): Promise<readonly InputFile[]> {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(name)?.[1]
  if (scheme !== undefined && !existsSync(name)) {
    throw new ReportError(
      `an address of ${scheme} cannot be fetched, only of http or https: download the file, and name it`,
    )
  }
  if (!existsSync(name) && isDynamicPattern(name)) {
    const found = (await glob(name, { absolute: true, expandDirectories: false })).sort()
    if (found.length === 0) {
      throw new ReportError(`no file matches ${oneLine(name)} (looked in ${process.cwd()})`)
    }
    return found.map(fileAt)
  }
  if (statSync(name, { throwIfNoEntry: false })?.isDirectory() !== true) return [fileAt(name)]
  const entries = readdirSync(name, { withFileTypes: true }).filter(({ name }) => !name.startsWith('.'))
  const isRead = (entry: Dirent): boolean => !entry.isDirectory() && hasKnownEnding(entry.name)
  const inside = entries
    .filter(isRead)
    .map((entry) => join(name, entry.name))
    .sort()
  if (inside.length === 0) {
    throw new ReportError(
      `the folder ${oneLine(name)} has no file of a known type in it; name a file, or a pattern such as '${join(name, '**/*.csv')}'`,
    )
  }
  // Spark writes _SUCCESS beside the parts.
  const left = entries
    .filter((entry) => !isRead(entry) && !entry.name.startsWith('_'))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort()
  const [first, ...others] = inside.map(fileAt)
  if (first === undefined || left.length === 0) return first === undefined ? [] : [first, ...others]
  const shown = left.slice(0, 5).map((each) => oneLine(each, 40))
  return [
    {
      ...first,
      notes: [
        `Not read of the folder ${oneLine(name, 60)}, because of no known type or a folder: ${shown.join(', ')}${left.length > shown.length ? ' and more' : ''}; name what belongs to it too.`,
      ],
    },
    ...others,
  ]
}

function fileAt(path: string): InputFile {
  const name = basename(path)
  try {
    const file = statSync(path)
    if (file.isDirectory()) throw new ReportError(`${name} is a directory: name a file in it`)
    accessSync(path, constants.R_OK)
    return { name, typed: path, path: resolve(path), bytes: file.size }
  } catch (error) {
    if (error instanceof ReportError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new ReportError(
      code === 'ENOENT' || code === 'ENOTDIR'
        ? `there is no file ${oneLine(path)} (looked in ${process.cwd()})`
        : `${name} cannot be read: ${code === 'EACCES' ? 'permission denied' : String(code)}`,
      { cause: error },
    )
  }
}

async function copied(stream: Readable, path: string, name: string): Promise<InputFile> {
  const file = createWriteStream(path, { flags: 'wx' })
  await pipeline(stream, file)
  return { name, typed: name, path, bytes: file.bytesWritten }
}

async function downloaded(address: string, path: string): Promise<InputFile> {
  const name = inputName(address)
  // What cannot be taken apart is not repeated: a secret may be in it.
  if (!URL.canParse(address)) throw new ReportError('what begins with http is not an address: check it')
  const { host, username, password } = new URL(address)
  if (username !== '' || password !== '') {
    throw new ReportError('an address must not contain credentials: download the file, and name it')
  }
  let response: Response
  try {
    response = await fetch(address)
  } catch (error) {
    const { code, message } = (error as { cause?: { code?: string; message?: string } }).cause ?? {}
    throw new ReportError(
      `${name} cannot be fetched from ${host}: ${oneLine(code ?? message ?? String(error), 120)}`,
      {
        cause: error,
      },
    )
  }
  if (!response.ok || response.body === null) {
    throw new ReportError(
      `${name} cannot be fetched: ${host} answered ${response.status} ${response.statusText}`.trimEnd(),
    )
  }
  try {
    return await copied(Readable.fromWeb(response.body as never), path, name)
  } catch (error) {
    throw new ReportError(`${name} cannot be fetched: ${host} broke off`, { cause: error })
  }
}

function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
