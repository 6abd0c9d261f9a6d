import * as values from './values.js';

/** How root can log in to the installed system. Plain passwords never reach this model: see `parseRootPassword`. */
export type RootAccess = { readonly kind: 'locked' } | { readonly kind: 'hash'; readonly hash: string };

/** A step of the user's, run at the end of the installation. Its failure fails the build. */
export interface PostScript {
  /** For messages and logs. */
  readonly name: string;
  readonly text: string;
  /** True: inside the installed system; false: in the installer's environment. */
  readonly chroot: boolean;
}

/** Where the packages come from when the medium has none, or when the user says so. */
export interface Repository {
  readonly url: string;
  readonly kind: 'url' | 'mirrorlist' | 'metalink';
}

/**
 * What an installation is asked for, whatever the installer. Every value is data: it was checked by
 * {@link createAnswerModel}, and the renderers quote it; none can become a directive.
 */
export interface AnswerModel {
  /** Locale: `en_US.UTF-8`. */
  readonly language: string;
  readonly keyboard: string;
  readonly timezone: string;
  readonly rootAccess: RootAccess;
  /** Lines of root's `authorized_keys`. */
  readonly sshKeys: readonly string[];
  /** Beyond what every build has. */
  readonly packages: readonly string[];
  /** Package groups (comps ids), tasks (Debian) or patterns (SUSE). */
  readonly packageGroups: readonly string[];
  /** No documentation, no other locales, no caches, no firmware that nobody asked for. */
  readonly isSlim: boolean;
  /** Name of the disk in the guest. */
  readonly diskDevice: string;
  /** For the installed system's own boot loader, beyond its console. */
  readonly kernelArguments: readonly string[];
  readonly services: { readonly enable: readonly string[]; readonly disable: readonly string[] };
  readonly postScripts: readonly PostScript[];
  readonly repository?: Repository | undefined;
  readonly hostname?: string | undefined;
  /**
   * Default `permissive`: labels are kept in rootfs.tar and nfsroot, and an initramfs, which cannot hold labels, still
   * lets its users in.
   */
  readonly selinux: 'enforcing' | 'permissive' | 'disabled';
}

export const DEFAULT_ANSWER_MODEL: AnswerModel = {
  language: 'en_US.UTF-8',
  keyboard: 'us',
  timezone: 'Etc/UTC',
  rootAccess: { kind: 'locked' },
  sshKeys: [],
  packages: [],
  packageGroups: [],
  isSlim: false,
  diskDevice: 'vda',
  kernelArguments: [],
  services: { enable: [], disable: [] },
  postScripts: [],
  selinux: 'permissive',
};

/**
 * The model with its defaults filled in.
 * @throws Iso2RootfsError USAGE for a value that no installer would carry exactly; a secret is never quoted in the message.
 */
export function createAnswerModel(options: Partial<AnswerModel> = {}): AnswerModel {
  const model: AnswerModel = { ...DEFAULT_ANSWER_MODEL, ...withoutUndefined(options) };
  values.checkLanguage(model.language);
  values.checkKeyboard(model.keyboard);
  values.checkTimezone(model.timezone);
  if (model.rootAccess.kind === 'hash') values.checkPasswordHash(model.rootAccess.hash);
  model.sshKeys.forEach(values.checkSshKey);
  model.packages.forEach(values.checkPackage);
  model.packageGroups.forEach(values.checkPackageGroup);
  values.checkDiskDevice(model.diskDevice);
  model.kernelArguments.forEach(values.checkKernelArgument);
  [...model.services.enable, ...model.services.disable].forEach(values.checkService);
  for (const script of model.postScripts) values.checkPostScript(script.name, script.text);
  if (model.repository !== undefined) values.checkRepositoryUrl(model.repository.url);
  if (model.hostname !== undefined) values.checkHostname(model.hostname);
  return model;
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
