import { Iso2RootfsError } from '../../errors.js';
import { consoleArgument, describeTarget } from './target.js';
import { networkRepositories } from './repositories.js';
import { quoteXml } from './quote.js';
import { refuseEnforcing } from './refuse.js';
import { renderTemplate } from './template.js';
import { scriptFromBase64 } from './post-script.js';
import { tokenCommands } from './token.js';
import type { AnswerModel } from './model.js';
import type { AnswerTarget, RenderedAnswer } from './types.js';

const BASE_PACKAGES = ['openssh', 'nfs-client', 'dracut', 'tar', 'kernel-default'];

/** Profile for openSUSE Leap 15; Leap 16 has another installer. Not verified by an installation. */
export function renderAutoyast(target: AnswerTarget, model: AnswerModel): RenderedAnswer {
  refuseEnforcing(target, model);
  if (model.postScripts.some(({ chroot }) => !chroot)) {
    throw new Iso2RootfsError(
      'USAGE',
      'AutoYaST runs no scripts outside the installed system at the end of the installation',
      {
        hint: 'Write the script for the installed system.',
      },
    );
  }
  const isEfi = target.arch === 'aarch64';
  const kernelArguments = installerArguments(target, model);
  const text = renderTemplate('autoyast', {
    // A comment cannot hold '--'.
    title: describeTarget(target),
    kernelArguments: kernelArguments.join(' '),
    language: quoteXml(model.language.replace(/\..*/, '').replace(/^(C|POSIX)$/, 'en_US')),
    keyboard: model.keyboard === 'us' ? 'english-us' : quoteXml(model.keyboard),
    timezone: quoteXml(model.timezone),
    hostname: model.hostname && quoteXml(model.hostname),
    disk: quoteXml(model.diskDevice),
    isEfi,
    bootArguments: quoteXml([consoleArgument(target.arch), ...model.kernelArguments].join(' ')),
    isSlim: model.isSlim,
    patterns: [model.isSlim ? 'minimal_base' : 'base', ...model.packageGroups].map(quoteXml),
    packages: [...new Set([...BASE_PACKAGES, ...model.packages])].map(quoteXml),
    services: {
      enable: [...new Set(['sshd', ...model.services.enable])].map(quoteXml),
      disable: model.services.disable.map(quoteXml),
    },
    rootPassword: model.rootAccess.kind === 'hash' ? quoteXml(model.rootAccess.hash) : '!',
    script: quoteXml(renderScript(model)),
  });
  return {
    family: 'autoyast',
    dialect: 'autoyast-15',
    fileName: 'autoinst.xml',
    text,
    extraFiles: [],
    kernelArguments,
    delivery: 'initrd',
  };
}

function installerArguments(target: AnswerTarget, model: AnswerModel): string[] {
  return [
    'autoyast=file:///autoinst.xml',
    `install=${installSource(target, model)}`,
    'textmode=1',
    consoleArgument(target.arch),
  ];
}

function installSource(target: AnswerTarget, model: AnswerModel): string {
  if (model.repository !== undefined) return model.repository.url;
  if (target.carriesPackages) return 'cd:/';
  return networkRepositories(target.distro, target.release, target.arch)?.main.url ?? 'cd:/';
}

function renderScript(model: AnswerModel): string {
  return renderTemplate('shared/suse-script', {
    sshKeys: model.sshKeys,
    scripts: model.postScripts.map((script) => ['(', ...scriptFromBase64(script), ')'].join('\n')),
    initrdName: 'initrd-$version',
    isSlim: model.isSlim,
    tokenCommands: tokenCommands(),
  });
}
