import { Iso2RootfsError } from '../../errors.js';
import { consoleArgument, describeTarget } from './target.js';
import { encodeScript } from './post-script.js';
import { quoteShell, quoteYaml } from './quote.js';
import { refuseEnforcing } from './refuse.js';
import { renderTemplate } from './template.js';
import { makeGenericInitrd } from './generic-initrd.js';
import { joinCommands, tokenCommands } from './token.js';
import type { AnswerModel, PostScript } from './model.js';
import type { AnswerTarget, RenderedAnswer } from './types.js';

export function renderAutoinstall(target: AnswerTarget, model: AnswerModel): RenderedAnswer {
  refuseEnforcing(target, model);
  if (model.repository !== undefined && model.repository.kind !== 'url') {
    throw new Iso2RootfsError('USAGE', "Ubuntu's installer takes the URL of a mirror, not a list of mirrors", {
      hint: 'Name one mirror.',
    });
  }
  if (model.diskDevice !== 'vda') {
    throw new Iso2RootfsError('USAGE', "Ubuntu's installer chooses the disk itself: it cannot be named", {
      hint: 'Leave the disk out.',
    });
  }
  const kernelArguments = installerArguments(target);
  const text = renderTemplate('autoinstall', {
    title: describeTarget(target),
    kernelArguments: kernelArguments.join(' '),
    language: quoteYaml(model.language),
    keyboard: quoteYaml(model.keyboard),
    // The installer of 20.04 has a list of time zones, in which UTC has its short name only.
    timezone: quoteYaml(model.timezone === 'Etc/UTC' ? 'UTC' : model.timezone),
    isRootLocked: model.rootAccess.kind === 'locked' && model.sshKeys.length === 0,
    isSlim: model.isSlim,
    hasSources: Number.parseFloat(target.release) >= 22.04,
    repository: model.repository && quoteYaml(model.repository.url),
    // A task, which is what Ubuntu has for a group, is a package name that ends with '^'.
    packages: [...model.packages, ...model.packageGroups.map((group) => `${group}^`)].map(quoteYaml),
    lateCommands: lateCommands(target, model),
  });
  return {
    family: 'subiquity',
    dialect: 'autoinstall-1',
    fileName: 'user-data',
    text,
    extraFiles: [{ name: 'meta-data', text: '' }],
    kernelArguments,
    delivery: 'seed-iso',
  };
}

/** noprompt: no "remove the medium, then press Enter" at the end; fsck.mode=skip: the medium is not read twice. */
function installerArguments(target: AnswerTarget): string[] {
  return ['autoinstall', 'ds=nocloud', 'noprompt', 'fsck.mode=skip', consoleArgument(target.arch)];
}

/** A list is run as it is, without a shell; a string by `sh -c`. Both are data for YAML. */
function lateCommands(target: AnswerTarget, model: AnswerModel): string[] {
  const bootArguments = [consoleArgument(target.arch), ...model.kernelArguments].join(' ');
  const grubLine = `GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX ${bootArguments}"`;
  return [
    quoteYaml(
      `mkdir -p /target/etc/default/grub.d && echo ${quoteShell(grubLine)} > /target/etc/default/grub.d/90-iso2rootfs.cfg`,
    ),
    inTarget('update-grub'),
    // What a system with an NFS root needs; without a network it stays away, and the disk boots all the same.
    quoteYaml(
      "curtin in-target -- apt-get install -y nfs-common || echo 'iso2rootfs: warning: nfs-common could not be installed' > /dev/console",
    ),
    ...(model.rootAccess.kind === 'hash' ? [inTarget('usermod', '--password', model.rootAccess.hash, 'root')] : []),
    ...(model.hostname === undefined ? [] : [quoteYaml(`echo ${model.hostname} > /target/etc/hostname`)]),
    ...authorizedKeys(model.sshKeys),
    ...model.services.enable.map((service) => inTarget('systemctl', 'enable', service)),
    ...model.services.disable.map((service) => inTarget('systemctl', 'disable', service)),
    ...model.postScripts.map(runScript),
    inTarget('sh', '-c', makeGenericInitrd()),
    ...(model.isSlim ? [quoteYaml(slimCommand())] : []),
    quoteYaml(joinCommands(tokenCommands('/target'))),
  ];
}

function inTarget(...command: readonly string[]): string {
  return `[${['curtin', 'in-target', '--', ...command].map(quoteYaml).join(', ')}]`;
}

function authorizedKeys(keys: readonly string[]): string[] {
  if (keys.length === 0) return [];
  const lines = keys.map((key) => `echo ${quoteShell(key)} >> /target/root/.ssh/authorized_keys`);
  return [quoteYaml(joinCommands(['umask 077', 'mkdir -p /target/root/.ssh', ...lines]))];
}

function runScript(script: PostScript, index: number): string {
  const path = `/var/tmp/iso2rootfs-post-${index + 1}`;
  return quoteYaml(
    joinCommands([
      `echo ${encodeScript(script).join('')} | base64 -d > /target${path}`,
      `chmod 0700 /target${path}`,
      script.chroot ? `curtin in-target -- ${path}` : `/target${path}`,
      `rm -f /target${path}`,
    ]),
  );
}

function slimCommand(): string {
  const file = '/target/etc/dpkg/dpkg.cfg.d/iso2rootfs-slim';
  const excluded = ['doc', 'man', 'info', 'locale'].map(
    (name) => `echo 'path-exclude=/usr/share/${name}/*' >> ${file}`,
  );
  return joinCommands([
    ...excluded,
    `echo 'path-include=/usr/share/doc/*/copyright' >> ${file}`,
    "find /target/usr/share/doc -type f ! -name copyright -exec rm -f '{}' +",
    'rm -rf /target/usr/share/man/* /target/usr/share/info/* /target/usr/share/locale/*',
    'rm -rf /target/var/cache/apt/archives/*.deb /target/var/lib/apt/lists/*',
  ]);
}
