import { ReflectionKind } from 'typedoc'

/**
 * A plugin of TypeDoc's: a `{@link Name}` to what its file does not import means the public name of that name, in
 * whichever entry point it is. A name that none exports stays a broken link, which fails `npm run docs`.
 *
 * @param {import('typedoc').Application} app
 */
export function load(app) {
  app.converter.addUnknownSymbolResolver(({ moduleSource, symbolReference }, { project }) => {
    const [{ path: name } = {}] = symbolReference?.path ?? []
    if (moduleSource !== undefined || name === undefined) return undefined
    const target = project
      .getChildrenByKind(ReflectionKind.Module)
      .flatMap(({ children = [] }) => children)
      .find((child) => child.name === name)
    return target && { target }
  })
}
