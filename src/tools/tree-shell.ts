/**
 * A mounted tree of a guest's, changed by the programs of whoever has mounted it: this host in a namespace, or the libguestfs appliance.
 * Nothing of the guest's is run, and no link of its is followed: find(1) names what is there by paths that have none on their way, and
 * names go through pipes, each ended by a NUL. All strings are bytes as latin1; paths are relative to the tree.
 */

export interface TreeShell {
  /**
   * Runs a script: /bin/sh, GNU find and coreutils. Its one argument is the tree.
   * @returns what it has written to stdout
   */
  run(script: string, input?: Buffer): Promise<Buffer>;
}

const IN_TREE = 'set -eu\nexport LC_ALL=C\ncd "$1"\n';

/** @returns of each entry its type and its path: `find -printf '%y %P\0'` */
export async function listTree(shell: TreeShell): Promise<Buffer> {
  return shell.run(`${IN_TREE}find . -printf '%y %P\\0'\n`);
}

/** Removes entries, directories with all that is in them. */
export async function removeFromTree(shell: TreeShell, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  await shell.run(`${IN_TREE}xargs -0 -r rm -rf --one-file-system --\n`, join(paths.map(inTree)));
}

/** The content of files, none of which may have a NUL in it. */
export async function readInTree(shell: TreeShell, paths: readonly string[]): Promise<Map<string, string>> {
  if (paths.length === 0) return new Map();
  const script = `${IN_TREE}xargs -0 -r -n 1 sh -c 'cat -- "$1" && printf "\\0"' sh\n`;
  const contents = (await shell.run(script, join(paths.map(inTree)))).toString('latin1').split('\0');
  return new Map(paths.map((path, index) => [path, contents[index] ?? '']));
}

/** Gives files, which must be there, another content. They stay the same files, with all their attributes. */
export async function writeInTree(shell: TreeShell, contents: ReadonlyMap<string, string>): Promise<void> {
  if (contents.size === 0) return;
  const words = [...contents].flatMap(([path, content]) => [inTree(path), content]);
  await shell.run(`${IN_TREE}xargs -0 -r -n 2 sh -c 'printf %s "$2" >"$1"' sh\n`, join(words));
}

/** Removes the success token. What is younger gets its time, the end of the installation: only preparing has touched it since. */
export async function removeToken(shell: TreeShell): Promise<void> {
  await shell.run(`${IN_TREE}token=./var/lib/iso2rootfs
[ -d "$token" ] && [ ! -L "$token" ] || exit 0
end=$(find "$token" -maxdepth 1 -name token -type f -printf '@%T@')
rm -rf --one-file-system "$token"
[ -z "$end" ] || find . -newermt "$end" -print0 | xargs -0 -r touch -h -m -d "$end" --
`);
}

function inTree(path: string): string {
  return `./${path}`;
}

function join(words: readonly string[]): Buffer {
  return Buffer.from(words.map((word) => `${word}\0`).join(''), 'latin1');
}
