/** NULL and the empty identifier are no identity; nor is the nil UUID, which a UUID column holds where none was given. */
export function isIdentity(identity: string): string {
  return `toString(${identity}) != if(position(toTypeName(${identity}), 'UUID') > 0, '${nilUuid}', '')`
}

const nilUuid = '00000000-0000-0000-0000-000000000000'
