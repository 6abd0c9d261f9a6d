import { createEntry, type TreeEntry, type TreeFile } from '../tree/entry.js';
import type { Rewritten } from '../tree/transform.js';
import { withoutBlockDevices } from './fstab.js';

const FSTAB = 'etc/fstab';
const FSTAB_ORIGINAL = 'etc/fstab.installed';
const TOKEN_DIRECTORY = 'var/lib/iso2rootfs';
const TOKEN = `${TOKEN_DIRECTORY}/token`;
/** Every machine would begin with the same one (systemd-random-seed.service(8)). */
const RANDOM_SEED = 'var/lib/systemd/random-seed';
const DPKG_STATUS = 'var/lib/dpkg/status';
const MAX_HELD_BYTES = 1024 * 1024;

export interface Package {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
}

/**
 * What is changed in a file tree on its way out of the disk, so that it can boot without that disk:
 *
 * - `etc/fstab`: lines that mount block devices or swap are commented out; the original stays beside it as `etc/fstab.installed`;
 * - `var/lib/systemd/random-seed` is taken out: every machine would share it;
 * - `var/lib/iso2rootfs/`: the success token, which was ours, is taken out (and read).
 *
 * The disk itself is not changed: it keeps an fstab that it can boot with.
 */
export class NetbootRewriter {
  #token: string | undefined;
  #hasInit = false;
  #hasOriginal = false;
  #packages: Package[] | undefined;

  /** What the installation left as its success token; undefined when there was none. */
  get token(): string | undefined {
    return this.#token;
  }

  /** Installed packages, where the tree tells them cheaply (dpkg). */
  get packages(): readonly Package[] | undefined {
    return this.#packages;
  }

  readonly rewrite = (entry: TreeEntry): Rewritten => {
    const path = entry.path.toString('latin1');
    if (path === TOKEN_DIRECTORY) return undefined;
    if (path.startsWith(`${TOKEN_DIRECTORY}/`)) {
      if (path !== TOKEN || !isSmallFile(entry)) return undefined;
      return {
        withContent: (content) => {
          this.#token = content.toString('latin1').trim();
          return [];
        },
      };
    }
    if (path === RANDOM_SEED) return undefined;
    if (path === 'init') this.#hasInit = true;
    // A system that was made from one of our outputs has it already.
    if (path === FSTAB_ORIGINAL) {
      if (this.#hasOriginal) return undefined;
      this.#hasOriginal = true;
    }
    if (path === FSTAB && isSmallFile(entry)) {
      return { withContent: (content) => this.#rewriteFstab(entry, content) };
    }
    if (path === DPKG_STATUS && isSmallFile(entry)) {
      return {
        withContent: (content) => {
          this.#packages = parseDpkgStatus(content.toString('utf8'));
          return [{ entry, content }];
        },
      };
    }
    return entry;
  };

  #rewriteFstab(entry: TreeEntry, content: Buffer): readonly TreeFile[] {
    const changed = Buffer.from(withoutBlockDevices(content.toString('latin1')), 'latin1');
    if (changed.equals(content)) return [{ entry, content }];
    const rewritten = { entry: { ...entry, sizeBytes: changed.length }, content: changed };
    if (this.#hasOriginal) return [rewritten];
    this.#hasOriginal = true;
    return [rewritten, { entry: { ...entry, path: Buffer.from(FSTAB_ORIGINAL) }, content }];
  }

  /** What only initramfs.cgz needs: the kernel starts `/init` when nothing else is said. */
  readonly appendToInitramfs = (): readonly TreeFile[] =>
    this.#hasInit
      ? []
      : [
          {
            entry: createEntry({ path: Buffer.from('init'), type: 'symlink', linkTarget: Buffer.from('sbin/init') }),
            content: Buffer.alloc(0),
          },
        ];
}

function isSmallFile(entry: TreeEntry): boolean {
  return entry.type === 'file' && entry.sizeBytes <= MAX_HELD_BYTES;
}

/** Installed packages of `/var/lib/dpkg/status` (deb-control(5) stanzas). */
export function parseDpkgStatus(text: string): Package[] {
  return text.split(/\n\n+/).flatMap((stanza) => {
    const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1]?.trim();
    const [name, version] = [field('Package'), field('Version')];
    if (name === undefined || version === undefined || !(field('Status') ?? '').endsWith(' installed')) return [];
    return [{ name, version, arch: field('Architecture') ?? 'all' }];
  });
}
