import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { AnswerModel, PostScript } from '../distro/answer/index.js';
import { createAnswerModel } from '../distro/answer/model.js';
import { parseRootPassword } from '../distro/answer/root-password.js';
import { Iso2RootfsError, systemErrorCode } from '../errors.js';
import { hashPassword } from '../tools/openssl.js';

/** What the generated answer file is asked for, as the user says it. All of it is part of the key. */
export interface AnswerOptions {
  /** `random`, `disabled` (default), `file:PATH` or `crypted:HASH`. */
  readonly rootPassword?: string | undefined;
  /** Files with lines for root's authorized_keys. */
  readonly sshKeyFiles?: readonly string[] | undefined;
  readonly packages?: readonly string[] | undefined;
  readonly packageGroups?: readonly string[] | undefined;
  readonly isSlim?: boolean | undefined;
  readonly timezone?: string | undefined;
  readonly language?: string | undefined;
  readonly keyboard?: string | undefined;
  readonly hostname?: string | undefined;
  readonly kernelArguments?: readonly string[] | undefined;
  /** Scripts that run in the installed system at the end of the installation. */
  readonly postScriptFiles?: readonly string[] | undefined;
  readonly selinux?: AnswerModel['selinux'] | undefined;
}

export interface LoadedAnswerModel {
  readonly model: AnswerModel;
  /** A password that was made up for this build. It never goes to a log or an argument list. */
  readonly generatedPassword: string | undefined;
  /** What stands for the salted hash in the key: the same password has another hash each time. */
  readonly hashInKey: { readonly hash: string; readonly standsFor: string } | undefined;
}

async function readInput(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Iso2RootfsError(
      'FILE_NOT_FOUND',
      `${what} ${file} cannot be read (${systemErrorCode(error) ?? String(error)})`,
      {
        hint: 'Check the path and the permissions.',
        cause: error,
      },
    );
  }
}

/**
 * Reads the files that the options name and makes a checked model of it all.
 * @throws Iso2RootfsError USAGE for a value that cannot be carried exactly, FILE_NOT_FOUND
 */
export async function loadAnswerModel(options: AnswerOptions, signal?: AbortSignal): Promise<LoadedAnswerModel> {
  let standsFor = 'random';
  const password =
    options.rootPassword === undefined
      ? undefined
      : await parseRootPassword(options.rootPassword, {
          hashPassword: (plain) => hashPassword(plain, signal),
          readFile: async (file) => {
            const text = await readInput(file, 'the password file');
            standsFor = createHash('sha256').update(text).digest('hex');
            return text;
          },
        });
  const sshKeys: string[] = [];
  for (const file of options.sshKeyFiles ?? []) {
    const lines = (await readInput(file, 'the key file')).split('\n').map((line) => line.trim());
    sshKeys.push(...lines.filter((line) => line !== '' && !line.startsWith('#')));
  }
  const postScripts: PostScript[] = [];
  for (const file of options.postScriptFiles ?? []) {
    postScripts.push({ name: file, text: await readInput(file, 'the script'), chroot: true });
  }
  const wished: { -readonly [Name in keyof AnswerModel]?: AnswerModel[Name] | undefined } = {
    rootAccess: password?.access,
    sshKeys,
    packages: options.packages,
    packageGroups: options.packageGroups,
    isSlim: options.isSlim,
    timezone: options.timezone,
    language: options.language,
    keyboard: options.keyboard,
    hostname: options.hostname,
    kernelArguments: options.kernelArguments,
    postScripts,
    selinux: options.selinux,
  };
  const given = Object.fromEntries(Object.entries(wished).filter(([, value]) => value !== undefined));
  const hash = password?.access.kind === 'hash' ? password.access.hash : undefined;
  const isGiven = options.rootPassword?.startsWith('crypted:') === true;
  return {
    model: createAnswerModel(given),
    generatedPassword: password?.generatedPassword,
    hashInKey: hash === undefined || isGiven ? undefined : { hash, standsFor },
  };
}
