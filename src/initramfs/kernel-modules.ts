import { Iso2RootfsError } from '../errors.js';

const NAME = /([^/]+)\.ko(?:\.\w+)?$/;

/** The module's name of a path such as `kernel/fs/squashfs/squashfs.ko.xz`; undefined when it is none. */
function moduleName(path: string): string | undefined {
  return NAME.exec(path)?.[1]?.replaceAll('-', '_');
}

/**
 * Which modules have to be loaded so that a kernel can do something, in order.
 * @param wanted names of modules
 * @param dependencies modules.dep(5)
 * @param builtin modules.builtin: what the kernel has in itself
 * @returns paths relative to the kernel's directory of modules
 * @throws Iso2RootfsError TREE_NOT_REPRESENTABLE when the kernel has one of them neither as a module nor built in
 */
export function orderModules(wanted: readonly string[], dependencies: string, builtin: string): string[] {
  const needs = new Map<string, readonly string[]>();
  const paths = new Map<string, string>();
  for (const line of dependencies.split('\n')) {
    const [path = '', list = ''] = line.split(':');
    const name = moduleName(path);
    if (name === undefined) continue;
    paths.set(name, path);
    needs.set(
      path,
      list.split(' ').filter((dependency) => dependency !== ''),
    );
  }
  const builtins = new Set(builtin.split('\n').map(moduleName));
  const ordered = new Set<string>();
  const visiting = new Set<string>();
  const add = (path: string): void => {
    if (ordered.has(path) || visiting.has(path)) return;
    visiting.add(path);
    for (const dependency of needs.get(path) ?? []) add(dependency);
    ordered.add(path);
  };
  for (const name of wanted) {
    const path = paths.get(name);
    if (path !== undefined) add(path);
    else if (!builtins.has(name)) {
      throw new Iso2RootfsError(
        'TREE_NOT_REPRESENTABLE',
        `the kernel of this system has no ${name}, which a squashfs root in memory needs`,
        {
          hint: 'Install the package that has the module (kernel-modules, kernel-modules-extra...), or use --cgz-kind tree.',
          data: { module: name },
        },
      );
    }
  }
  return [...ordered];
}
