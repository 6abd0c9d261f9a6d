import type { TreeEntry, TreeFile } from '../tree/entry.js';
import { pathKey } from '../tree/tree-path.js';
import type { Rewritten } from '../tree/transform.js';
import { parseDpkgStatus, type Package } from './dpkg-status.js';
import { withoutBlockDevices } from './fstab.js';
import type { KernelFacts } from './initrd/initrd-facts.js';
import { addCapabilityRestoration, CAPABILITY, type CapableFile } from './netboot/capabilities.js';
import { addKdumpConditions } from './netboot/kdump.js';
import {
  addNetworkProfile,
  CARD_MAPPING,
  generaliseNetwork,
  isNetworkConfiguration,
  mayBeBound,
  needsAnyCard,
  withAnyCard,
} from './netboot/network-bindings.js';
import { GENERATORS, nfsRootGenerator } from './netboot/nfs-root.js';
import { findPerMachine, ISCSI_NAME, ISCSI_NAME_UNIT, resetContent } from './netboot/per-machine.js';
import { linkToStub, namesServers, RESOLV_CONF } from './netboot/resolver.js';
import {
  findSelinuxMode,
  SELINUX_CONFIG,
  withSelinuxMode,
  type SelinuxChoice,
  type SelinuxMode,
} from './netboot/selinux.js';
import { addHostKeyUnit, makesHostKeys, SSH_UNIT } from './netboot/ssh-host-keys.js';
import { TreeSurvey, type Addition } from './netboot/tree-survey.js';

const TOKEN_DIRECTORY = 'var/lib/iso2rootfs';
const TOKEN = `${TOKEN_DIRECTORY}/token`;
const JOURNAL = 'var/log/journal';
const DPKG_STATUS = 'var/lib/dpkg/status';
/** Tables of block devices: what is changed in them, and where the original is kept. */
const DEVICE_TABLES = new Map([
  ['etc/fstab', 'etc/fstab.installed'],
  ['etc/crypttab', 'etc/crypttab.installed'],
]);
const ORIGINALS = new Set(DEVICE_TABLES.values());
const BUILTIN = /^(?:usr\/)?lib\/modules\/([^/]+)\/modules\.builtin$/;
const NETWORK_PROFILE =
  /^etc\/(?:sysconfig\/network-scripts\/ifcfg-(?!lo$)|netplan\/|NetworkManager\/system-connections\/|network\/interfaces\.d\/)[^/]+$/;
/** Paths that we add something at. In a tree that was changed before, they stay as they are. */
const OURS = /^(?:init|etc\/machine-id)$|\/iso2rootfs[-./]/;
const MAX_HELD_BYTES = 1024 * 1024;

/** What becomes of a file when all is known; undefined: it is left out. */
type Change = (file: TreeFile) => TreeFile | undefined;

export type { Package };

export interface NetbootOptions {
  /** Default: `keep`. */
  readonly selinux?: SelinuxChoice;
}

/**
 * What is changed in a file tree on its way out of the disk, so that any machine can boot it without that disk; docs/prepare.md has
 * every item. A tree that was changed before passes as it is. The disk itself is not changed: it keeps an fstab that it can boot with.
 *
 * What is added comes after all other entries, when all is known that decides about it.
 */
export class NetbootRewriter {
  readonly #survey: TreeSurvey;
  readonly #selinux: SelinuxChoice;
  #token: string | undefined;
  #packages: Package[] | undefined;
  #selinuxMode: SelinuxMode | undefined;
  #hasProfile = false;
  #makesHostKeys = false;
  readonly #capable: CapableFile[] = [];
  readonly #originals = new Set<string>();
  readonly #seen = new Set<string>();
  /** Files whose change depends on what comes after them. */
  readonly #deferred: { readonly file: TreeFile; readonly change: Change }[] = [];
  #hasAppended = false;

  constructor(options: NetbootOptions = {}) {
    this.#survey = new TreeSurvey();
    this.#selinux = options.selinux ?? 'keep';
  }

  /** What the installation left as its success token; undefined when there was none. */
  get token(): string | undefined {
    return this.#token;
  }

  /** Installed packages, where the tree tells them cheaply (dpkg). */
  get packages(): readonly Package[] | undefined {
    return this.#packages;
  }

  /** How SELinux is set in the tree that leaves; undefined for a system without it. */
  get selinuxMode(): SelinuxMode | undefined {
    return this.#selinuxMode;
  }

  /** What the tree's own kernel of a version has, by which its initrd is judged. */
  kernelFacts(version: string): KernelFacts {
    const builtin = this.#survey.builtin(version);
    return { modules: this.#survey.networkModules(version), ...(builtin === undefined ? {} : { builtin }) };
  }

  readonly rewrite = (entry: TreeEntry): Rewritten => {
    const path = pathKey(entry.path);
    if (path === TOKEN_DIRECTORY || path.startsWith(`${TOKEN_DIRECTORY}/`)) return this.#takeToken(path, entry);
    if (findPerMachine(path, entry.type) === 'remove' && !OURS.test(path)) return undefined;
    // Without it, journald keeps its logs in memory (journald.conf(5), Storage=auto): a diskless machine has nowhere else.
    if (path === JOURNAL) return undefined;
    if (ORIGINALS.has(path)) {
      if (this.#originals.has(path)) return undefined;
      this.#originals.add(path);
    }
    // Put in already, when its directory passed.
    if (OURS.test(path) && this.#seen.has(path)) return undefined;
    this.#observe(path, entry);
    if (GENERATORS.test(path) && entry.type === 'directory') {
      return [{ entry, content: Buffer.alloc(0) }, ...this.#putIn(nfsRootGenerator(path))];
    }
    const reset = entry.type === 'file' ? resetContent(path) : undefined;
    if (reset !== undefined) return [fileLike(entry, reset)];
    return isSmallFile(entry) ? (this.#rewriteFile(path, entry) ?? entry) : entry;
  };

  #takeToken(path: string, entry: TreeEntry): Rewritten {
    if (path !== TOKEN || !isSmallFile(entry)) return undefined;
    return {
      withContent: (content) => {
        this.#token = content.toString('latin1').trim();
        return [];
      },
    };
  }

  #observe(path: string, entry: TreeEntry): void {
    this.#survey.observe(entry);
    if (OURS.test(path)) this.#seen.add(path);
    else if (NETWORK_PROFILE.test(path)) this.#hasProfile = true;
    const capability = entry.xattrs.get(CAPABILITY);
    if (capability !== undefined && entry.type === 'file') this.#capable.push({ path, value: capability });
  }

  /** @returns undefined: its content does not matter */
  #rewriteFile(path: string, entry: TreeEntry): Rewritten {
    const original = DEVICE_TABLES.get(path);
    if (original !== undefined) return { withContent: (content) => this.#rewriteTable(entry, content, original) };
    if (path === SELINUX_CONFIG) return { withContent: (content) => [this.#rewriteSelinux(entry, content)] };
    if (path === RESOLV_CONF) return this.#rewriteLater(entry, namesServers, (file) => this.#emptyResolver(file));
    if (path === ISCSI_NAME) {
      const isNamed = (text: string): boolean => /^InitiatorName=/m.test(text);
      return this.#rewriteLater(entry, isNamed, (file) => (this.#survey.hasUnit(ISCSI_NAME_UNIT) ? undefined : file));
    }
    if (isNetworkConfiguration(path)) {
      return this.#rewriteLater(
        entry,
        (text) => mayBeBound(path, text),
        (file) => this.#rewriteNetwork(path, file),
      );
    }
    if (SSH_UNIT.test(path)) return this.#read(entry, (text) => (this.#makesHostKeys ||= makesHostKeys(text)));
    if (path === DPKG_STATUS) return this.#read(entry, (text) => (this.#packages = parseDpkgStatus(text)));
    const version = BUILTIN.exec(path)?.[1];
    if (version !== undefined) return this.#read(entry, (text) => this.#survey.observeBuiltin(version, text));
    return undefined;
  }

  #read(entry: TreeEntry, read: (text: string) => unknown): Rewritten {
    return {
      withContent: (content) => {
        read(content.toString('utf8'));
        return [{ entry, content }];
      },
    };
  }

  #rewriteTable(entry: TreeEntry, content: Buffer, original: string): readonly TreeFile[] {
    const changed = Buffer.from(withoutBlockDevices(content.toString('latin1'), original), 'latin1');
    if (changed.equals(content)) return [{ entry, content }];
    const rewritten = fileLike(entry, changed);
    // A system that was made from one of our outputs has it already.
    if (this.#originals.has(original)) return [rewritten];
    this.#originals.add(original);
    return [rewritten, { entry: { ...entry, path: Buffer.from(original) }, content }];
  }

  #rewriteSelinux(entry: TreeEntry, content: Buffer): TreeFile {
    const config = content.toString('latin1');
    if (this.#selinux === 'keep') {
      this.#selinuxMode = findSelinuxMode(config);
      return { entry, content };
    }
    this.#selinuxMode = this.#selinux;
    return fileLike(entry, Buffer.from(withSelinuxMode(config, this.#selinux), 'latin1'));
  }

  /** Holds a file back until all is known, if it may have to be changed. */
  #rewriteLater(entry: TreeEntry, mayChange: (text: string) => boolean, change: Change): Rewritten {
    return {
      withContent: (content) => {
        if (!mayChange(content.toString('latin1'))) return [{ entry, content }];
        this.#deferred.push({ file: { entry, content }, change });
        return [];
      },
    };
  }

  #emptyResolver({ entry }: TreeFile): TreeFile {
    return this.#survey.isEnabled('systemd-resolved.service') ? linkToStub(entry) : fileLike(entry, Buffer.alloc(0));
  }

  #rewriteNetwork(path: string, { entry, content }: TreeFile): TreeFile {
    const text = content.toString('latin1');
    const general = generaliseNetwork(path, text, this.#survey.isEnabled('NetworkManager.service'));
    const isBare = path === 'etc/network/interfaces' && !this.#hasProfile && needsAnyCard(general, this.#survey);
    return fileLike(entry, Buffer.from(isBare ? withAnyCard(general) : general, 'latin1'));
  }

  /** Entries for every output, after all others. */
  readonly append = (): readonly TreeFile[] => {
    this.#hasAppended = true;
    const deferred = this.#deferred.flatMap(({ file, change }) => change(file) ?? []);
    const usesMapping = deferred.some(({ content }) => content.includes(CARD_MAPPING.path));
    const systemd = this.#survey.systemdDirectory;
    const additions = [
      ...(usesMapping ? [CARD_MAPPING] : []),
      // A read-only root needs the file, as the place to mount the machine's own over (machine-id(5)).
      ...(systemd === undefined ? [] : [{ path: 'etc/machine-id', mode: 0o444 }]),
      ...addNetworkProfile(this.#survey, this.#hasProfile),
      ...addHostKeyUnit(this.#survey, this.#makesHostKeys),
      ...addKdumpConditions(this.#survey),
      ...(systemd === undefined ? [] : [nfsRootGenerator(`${systemd}/system-generators`)]),
    ];
    return [...deferred, ...this.#materialise(additions)];
  };

  #putIn(addition: Addition): TreeFile[] {
    this.#seen.add(addition.path);
    return this.#survey.materialise([addition]);
  }

  #materialise(additions: readonly Addition[]): TreeFile[] {
    return this.#survey.materialise(additions.filter(({ path }) => !this.#seen.has(path)));
  }

  /** What only initramfs.cgz needs: the kernel starts `/init` when nothing else is said; and what newc cannot hold. */
  readonly appendToInitramfs = (): readonly TreeFile[] => [
    ...(this.#hasAppended ? [] : this.append()),
    ...this.#materialise([
      { path: 'init', linkTarget: 'sbin/init' },
      ...addCapabilityRestoration(this.#survey, this.#capable),
    ]),
  ];
}

function fileLike(entry: TreeEntry, content: Buffer): TreeFile {
  return { entry: { ...entry, sizeBytes: content.length }, content };
}

function isSmallFile(entry: TreeEntry): boolean {
  return entry.type === 'file' && entry.sizeBytes <= MAX_HELD_BYTES;
}
