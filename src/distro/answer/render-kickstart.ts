import { Iso2RootfsError } from '../../errors.js';
import { consoleArgument, describeTarget } from './target.js';
import { kickstartDialect, type KickstartDialect } from './dialect.js';
import { kickstartPost } from './post-script.js';
import { networkRepositories } from './repositories.js';
import { quoteKickstart } from './quote.js';
import { renderTemplate } from './template.js';
import { tokenCommands } from './token.js';
import type { AnswerModel, Repository } from './model.js';
import type { AnswerTarget, RenderedAnswer } from './types.js';

/** What every build has: a way in, and what booting over the network needs. */
const BASE_PACKAGES = ['openssh-server', 'dracut-network', 'nfs-utils', 'tar'];

/** Firmware that comes with the `core` group and that no kernel package demands. */
const OPTIONAL_FIRMWARE = [
  '-iwl*-firmware',
  '-ipw*-firmware',
  '-libertas-*-firmware',
  '-ivtv-firmware',
  '-aic94xx-firmware',
  '-alsa-firmware',
];

export function renderKickstart(target: AnswerTarget, model: AnswerModel): RenderedAnswer {
  const dialect = kickstartDialect(target.distro, target.release);
  const kernelArguments = installerArguments(target);
  const isStrict = mustHaveEveryPackage(target, model);
  const text = renderTemplate('kickstart/main', {
    title: describeTarget(target),
    dialect,
    kernelArguments: kernelArguments.join(' '),
    source: packageSource(target, model),
    language: model.language,
    keyboard: model.keyboard,
    timezone: model.timezone,
    hostnameOption: model.hostname === undefined ? '' : ` --hostname=${model.hostname}`,
    rootPassword: model.rootAccess.kind === 'hash' ? `--iscrypted ${model.rootAccess.hash}` : '--lock',
    sshKeys: model.sshKeys,
    selinux: model.selinux,
    services: servicesOptions(model),
    disk: model.diskDevice,
    bootArguments: quoteKickstart([consoleArgument(target.arch), ...model.kernelArguments].join(' ')),
    packagesOptions: packagesOptions(dialect, model, isStrict),
    packages: packageEntries(target, model),
    packagesToFind: isStrict ? [] : model.packages,
    scripts: model.postScripts.map(kickstartPost),
    initrdName: 'initramfs-$version.img',
    hasCrashKernelPatch: target.distro === 'openeuler' && target.release.startsWith('20.'),
    isSlim: model.isSlim,
    tokenCommands: tokenCommands(),
  });
  return { family: 'anaconda', dialect, fileName: 'ks.cfg', text, extraFiles: [], kernelArguments, delivery: 'initrd' };
}

/**
 * inst.text: openEuler takes `console=` for text mode only with it. inst.cmdline: no dialogs. inst.nosave: neither the
 * token nor a password hash stays in the installed system's copies of the kickstart.
 */
function installerArguments(target: AnswerTarget): string[] {
  return [
    'inst.ks=file:/ks.cfg',
    'inst.text',
    'inst.cmdline',
    'inst.nosave=all_ks',
    ...installerImage(target),
    consoleArgument(target.arch),
  ];
}

/**
 * A medium without packages still has the installer's second stage: without this argument it would be loaded from the
 * repository, where it may be newer than the medium's kernel. openEuler's installer takes inst.stage2 for the package
 * source as well, so there it is left out.
 */
function installerImage(target: AnswerTarget): string[] {
  if (target.carriesPackages || target.volumeId === undefined || target.distro === 'openeuler') return [];
  if (!/^[A-Za-z0-9 ._-]+$/.test(target.volumeId)) return [];
  return [`inst.stage2=hd:LABEL=${target.volumeId.replaceAll(' ', '\\x20')}`];
}

function packageSource(target: AnswerTarget, model: AnswerModel): string {
  if (model.repository !== undefined) return urlCommand(model.repository);
  if (target.carriesPackages) return 'cdrom';
  const repositories = networkRepositories(target.distro, target.release, target.arch);
  if (repositories === undefined) {
    throw new Iso2RootfsError(
      'USAGE',
      `The medium of ${describeTarget(target)} has no packages, and no public repository is known`,
      {
        hint: 'Name one in an answer file of your own, or take the DVD.',
      },
    );
  }
  const extra = repositories.extra.map(({ name, url }) => `repo --name=${name} --baseurl=${quoteKickstart(url)}`);
  return [urlCommand(repositories.main), ...extra].join('\n');
}

function urlCommand({ kind, url }: Repository): string {
  return `url --${kind}=${quoteKickstart(url)}`;
}

/**
 * A package that was asked for and is missing ends the installation before it has begun. Where nothing was asked for,
 * or the medium is a minimal one that may lack what every build wants, missing packages are left out (and what was
 * asked for is looked up at the end).
 */
function mustHaveEveryPackage(target: AnswerTarget, model: AnswerModel): boolean {
  return target.variant !== 'minimal' && model.packages.length + model.packageGroups.length > 0;
}

/** The spellings differ between versions; `--exclude-weakdeps` came after RHEL 7, whose packages have no weak dependencies. */
function packagesOptions(dialect: KickstartDialect, model: AnswerModel, isStrict: boolean): string {
  const options = isStrict ? [] : ['--ignoremissing'];
  if (model.isSlim) {
    const language = model.language.replace(/[.@].*/, '');
    options.push('--excludedocs');
    if (dialect === 'RHEL7') options.push(`--instLangs=${language}`);
    else if (dialect === 'RHEL8' || dialect === 'F29') options.push(`--instLangs=${language}`, '--excludeWeakdeps');
    else options.push(`--inst-langs=${language}`, '--exclude-weakdeps');
  }
  return options.map((option) => ` ${option}`).join('');
}

function packageEntries(target: AnswerTarget, model: AnswerModel): string[] {
  const hasEnvironments = kickstartDialect(target.distro, target.release) !== 'RHEL7' && target.variant !== 'minimal';
  return [
    hasEnvironments ? '@^minimal-environment' : '@core',
    ...model.packageGroups.map((group) => `@${group}`),
    ...new Set([...BASE_PACKAGES, ...model.packages]),
    ...(model.isSlim ? OPTIONAL_FIRMWARE : []),
  ];
}

function servicesOptions({ services }: AnswerModel): string {
  const options: string[] = [];
  if (services.enable.length > 0) options.push(`--enabled=${services.enable.join(',')}`);
  if (services.disable.length > 0) options.push(`--disabled=${services.disable.join(',')}`);
  return options.join(' ');
}
