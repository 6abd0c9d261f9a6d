/** What an initrd can do, judged by what is in it. */
import type { InitrdListing } from './read-initrd.js';

export interface InitrdFacts {
  /** What made it. */
  readonly maker: 'dracut' | 'initramfs-tools' | 'mkinitrd' | 'mkinitcpio' | 'unknown';
  readonly compression: string;
  /** Whether it can mount a root file system over NFS, on at least one kind of network card. */
  readonly canMountNfs: boolean;
  /** Which versions of NFS it can speak: what mounts it and the kernel's modules together. */
  readonly nfsVersions: readonly ('3' | '4')[];
  /** Network cards whose drivers it has, as modules or in the kernel; sorted. */
  readonly networkDrivers: readonly string[];
  readonly hasOverlay: boolean;
  readonly hasSquashfs: boolean;
  /** Whether it is for any machine, not for the one that it was made on; undefined when it cannot be told. */
  readonly isGeneric?: boolean;
  /** Why, one sentence each: what is missing, and by what it was judged. */
  readonly reasons: readonly string[];
}

/** What the system's kernel has besides what is in the initrd. */
export interface KernelFacts {
  /** Paths of the tree's own kernel modules, from `kernel/` on. */
  readonly modules?: readonly string[];
  /** Text of the tree's own `modules.builtin`. */
  readonly builtin?: string;
}

const MAKERS: readonly (readonly [InitrdFacts['maker'], RegExp])[] = [
  ['dracut', /^(?:usr\/)?lib\/dracut(?:\/|$)/],
  ['initramfs-tools', /^(?:scripts\/functions|conf\/initramfs\.conf)$/],
  ['mkinitcpio', /^(?:buildconfig|init_functions)$/],
  ['mkinitrd', /^(?:config\/start\.sh|mkinitrd\.config|run_all\.sh|sbin\/nash|bin\/nash)$/],
];

/**
 * What starts dracut's `netroot`, which mounts a root over the network, when the network is up: `ifup` of network-legacy, and a hook each of
 * network-manager, connman and, since dracut 103, systemd-networkd. network-wicked has none.
 */
const DRACUT_NETROOT =
  /^(?:usr\/)?s?bin\/ifup$|^(?:(?:usr\/)?lib|var\/lib)\/dracut\/hooks\/initqueue\/settled\/\d+-(?:nm|cm|networkd)-run\.sh$/;
const DRACUT_OTHER_NETWORK = /^(?:usr\/)?(?:lib\/systemd\/systemd-networkd|s?bin\/wickedd)$/;

/** Of virtual machines, these drivers stand beside the Ethernet cards' directory. */
const CARD = /(?:^|\/)drivers\/net\/(?:ethernet\/.*|virtio_net|vmxnet3\/vmxnet3|xen-netfront|hyperv\/hv_netvsc)\.ko$/;
const CARD_BUILT_IN_BUS = /(?:^|\/)drivers\/net\/ethernet\//;

/** An initrd for any machine has most of the kernel's drivers for Ethernet cards; one for the machine at hand has one. */
const GENERIC_SHARE = 0.5;
/** With fewer of them in the kernel, their share says nothing. */
const MIN_CARD_DRIVERS = 4;

export function judgeInitrd(listing: InitrdListing, kernel: KernelFacts = {}): InitrdFacts {
  const { names, contents } = listing;
  const has = (pattern: RegExp): boolean => names.some((name) => pattern.test(name));
  const maker = MAKERS.find(([, pattern]) => has(pattern))?.[0] ?? 'unknown';
  const builtin = lines(find(contents, /modules\.builtin$/) ?? kernel.builtin).map(plainModule);
  const modules = [...names.filter((name) => /\.ko(?:\.(?:gz|xz|zst))?$/.test(name)).map(plainModule), ...builtin];
  const moduleNames = new Set(modules.map(moduleName));
  const networkDrivers = [...new Set(modules.filter((module) => CARD.test(module)).map(moduleName))].sort();
  const reasons = listing.problem === undefined ? [] : [`It could not be read to its end: ${listing.problem}.`];
  const nfsVersions = findNfsVersions(maker, has, moduleNames);
  const missing = findMissing(maker, has, moduleNames, nfsVersions, networkDrivers);
  reasons.push(...missing);
  const generic = judgeGeneric(maker, listing, modules, kernel);
  if (generic !== undefined) reasons.push(generic.reason);
  return {
    maker,
    compression: listing.compression,
    canMountNfs: missing.length === 0,
    nfsVersions: missing.length === 0 ? nfsVersions : [],
    networkDrivers,
    hasOverlay: moduleNames.has('overlay'),
    hasSquashfs: moduleNames.has('squashfs'),
    ...(generic === undefined ? {} : { isGeneric: generic.isGeneric }),
    reasons,
  };
}

type Has = (pattern: RegExp) => boolean;

function findNfsVersions(maker: InitrdFacts['maker'], has: Has, modules: ReadonlySet<string>): ('3' | '4')[] {
  // klibc's nfsmount speaks versions 2 and 3 only.
  const isFull = has(/^(?:usr\/)?s?bin\/mount\.nfs4?$/);
  const versions: ('3' | '4')[] = [];
  if (modules.has('nfsv3') && (isFull || maker === 'initramfs-tools')) versions.push('3');
  if (modules.has('nfsv4') && isFull) versions.push('4');
  return versions;
}

function findMissing(
  maker: InitrdFacts['maker'],
  has: Has,
  modules: ReadonlySet<string>,
  nfsVersions: readonly string[],
  networkDrivers: readonly string[],
): string[] {
  const missing: string[] = [];
  const need = (isThere: boolean, what: string): void => {
    if (!isThere) missing.push(`It cannot mount an NFS root: ${what}.`);
  };
  need(modules.has('nfs'), 'the kernel module nfs is not in it');
  switch (maker) {
    case 'dracut':
      need(
        has(/^(?:(?:usr\/)?lib|var\/lib)\/dracut\/hooks\/cmdline\/\d+-parse-nfsroot\.sh$/),
        "dracut's module nfs is not in it (package dracut-network on RPM systems)",
      );
      need(has(/^(?:usr\/)?s?bin\/mount\.nfs4?$/), 'mount.nfs is not in it (package nfs-utils or nfs-client)');
      need(
        has(DRACUT_NETROOT),
        has(DRACUT_OTHER_NETWORK)
          ? "what brings up the network in it never tells dracut to mount (use dracut's module network-legacy or network-manager)"
          : "none of dracut's network modules is in it",
      );
      break;
    case 'initramfs-tools':
      need(has(/^scripts\/nfs$/), 'scripts/nfs is not in it');
      need(has(/^(?:usr\/)?s?bin\/(?:nfsmount|mount\.nfs)$/), 'nfsmount is not in it (package klibc-utils)');
      need(has(/^(?:usr\/)?s?bin\/(?:ipconfig|dhcpcd)$/), 'nothing in it configures a network card');
      break;
    default:
      need(false, `how one made by ${maker === 'unknown' ? 'an unknown program' : maker} does it is not known`);
  }
  if (missing.length === 0) need(nfsVersions.length > 0, 'the kernel modules nfsv3 and nfsv4 are not in it');
  need(networkDrivers.length > 0, 'no driver of a network card is in it');
  return missing;
}

function judgeGeneric(
  maker: InitrdFacts['maker'],
  { names, contents }: InitrdListing,
  modules: readonly string[],
  kernel: KernelFacts,
): { readonly isGeneric: boolean; readonly reason: string } | undefined {
  const isForOneMachine = (reason: string): { isGeneric: false; reason: string } => ({ isGeneric: false, reason });
  if (maker === 'dracut') {
    const waited = names.find((name) => /hooks\/initqueue\/finished\/(?:\d+-)?devexists-/.test(name));
    if (waited !== undefined) return isForOneMachine(`It waits for a disk of the machine it was made on (${waited}).`);
    const parameters = find(contents, /build-parameter\.txt$/) ?? '';
    if (/(?:^|[\s'"])(?:-H|--hostonly)(?=$|[\s'"])/m.test(parameters) && !parameters.includes('--no-hostonly')) {
      return isForOneMachine('dracut was told --hostonly.');
    }
  }
  if (maker === 'initramfs-tools') {
    const policy = findModulesPolicy(contents);
    if (policy === 'dep' || policy === 'list') return isForOneMachine(`initramfs-tools was told MODULES=${policy}.`);
    if (policy === 'most') return { isGeneric: true, reason: 'initramfs-tools was told MODULES=most.' };
  }
  const inKernel = (kernel.modules ?? []).map(plainModule).filter((module) => CARD_BUILT_IN_BUS.test(module));
  if (inKernel.length < MIN_CARD_DRIVERS) return undefined;
  const inInitrd = new Set(modules.map(moduleName));
  const count = inKernel.filter((module) => inInitrd.has(moduleName(module))).length;
  const reason = `It has ${count} of the kernel's ${inKernel.length} drivers for Ethernet cards.`;
  return { isGeneric: count >= inKernel.length * GENERIC_SHARE, reason };
}

/** The files are sourced by a shell, one after the other: the last assignment holds. */
function findModulesPolicy(contents: ReadonlyMap<string, string>): string | undefined {
  const files = [...contents.keys()].filter((name) => name.startsWith('conf/')).sort(byDirectoryLast);
  return files
    .flatMap((name) => lines(contents.get(name)))
    .map((line) => /^\s*(?:export\s+)?MODULES=["']?(\w+)/.exec(line)?.[1])
    .findLast((policy) => policy !== undefined);
}

function byDirectoryLast(one: string, other: string): number {
  const depth = one.split('/').length - other.split('/').length;
  return depth !== 0 ? depth : one < other ? -1 : 1;
}

function find(contents: ReadonlyMap<string, string>, pattern: RegExp): string | undefined {
  return [...contents].find(([name]) => pattern.test(name))?.[1];
}

function lines(text = ''): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Without what its compression adds. */
function plainModule(path: string): string {
  return path.replace(/\.(?:gz|xz|zst)$/, '');
}

/** As lsmod shows it. */
function moduleName(path: string): string {
  return path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.ko$/, '')
    .replaceAll('-', '_');
}
