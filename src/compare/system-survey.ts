/** What makes one system behave otherwise than another, gathered from its items as they pass. */
import type { LinkGroup, TreeItem } from '../tree/tree-item.js';
import { printablePath } from '../tree/tree-path.js';
import { describeCapability, formatMode } from './item-differences.js';

const WANTED = /^(?:usr\/)?(?:etc|lib)\/systemd\/(?:system|user)\/[^/]+\.(?:wants|requires)\/([^/]+)$/;
const ALIAS = /^etc\/systemd\/system\/([^/]+\.(?:service|socket|target|timer|path|mount))$/;
const SYSV = /^etc\/(?:rc\.d\/)?rc[2-5]\.d\/S\d\d(.+)$/;
const KERNEL = /^(?:usr\/)?lib\/modules\/([^/]+)$/;
const SPECIAL_BITS = 0o6000;
const MASKED = '/dev/null';
/** Sizes are told of directories down to here. */
const MAX_DEPTH = 3;

export class SystemSurvey {
  entries = 0;
  readonly kernels = new Set<string>();
  /** Units that something starts, and what names them. */
  readonly enabled = new Set<string>();
  readonly masked = new Set<string>();
  /** Mode and owner of files with setuid or setgid, by path. */
  readonly setuid = new Map<string, string>();
  readonly capabilities = new Map<string, string>();
  /** Content of files below a directory, by path; each file once. */
  readonly bytesByDirectory = new Map<string, number>();
  readonly #counted = new Set<LinkGroup>();

  readonly observe = (item: TreeItem): void => {
    const { path, type, mode, attributes } = item;
    this.entries += 1;
    if (type === 'directory') {
      const kernel = KERNEL.exec(path)?.[1];
      if (kernel !== undefined) this.kernels.add(printable(kernel));
    }
    if (type === 'symlink') this.#observeLink(item);
    if (type !== 'file') return;
    if ((mode & SPECIAL_BITS) !== 0) this.setuid.set(printable(path), `${formatMode(mode)} ${item.uid}:${item.gid}`);
    if (attributes.capability !== undefined) {
      this.capabilities.set(printable(path), describeCapability(attributes.capability));
    }
    this.#addSize(item);
  };

  #observeLink({ path, linkTarget }: TreeItem): void {
    const unit = WANTED.exec(path)?.[1] ?? SYSV.exec(path)?.[1];
    const alias = ALIAS.exec(path)?.[1];
    if (unit !== undefined) this.enabled.add(printable(unit));
    else if (alias !== undefined && linkTarget === MASKED) this.masked.add(printable(alias));
    else if (alias !== undefined) this.enabled.add(printable(alias));
  }

  #addSize({ path, sizeBytes, links }: TreeItem): void {
    if (links !== undefined) {
      if (this.#counted.has(links)) return;
      this.#counted.add(links);
    }
    const parts = path.split('/').slice(0, -1);
    for (let depth = 0; depth <= Math.min(parts.length, MAX_DEPTH); depth++) {
      const directory = printable(parts.slice(0, depth).join('/'));
      this.bytesByDirectory.set(directory, (this.bytesByDirectory.get(directory) ?? 0) + sizeBytes);
    }
  }
}

function printable(latin1: string): string {
  return printablePath(Buffer.from(latin1, 'latin1'));
}
