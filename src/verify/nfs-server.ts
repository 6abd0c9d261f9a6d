/** A user-space NFS server for one directory, in a network namespace of its own: it meets neither the host's NFS server nor its rpcbind. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { toIso2RootfsError, Iso2RootfsError } from '../errors.js';
import type { PrivateNamespace } from '../tools/private-namespace.js';
import { searchPath } from '../tools/host.js';
import { findProgram, type RunningProgram } from '../tools/run.js';

const START_MS = 60_000;
/** What clients mount. */
export const EXPORT_NAME = '/nfsroot';

export interface NfsServer {
  stop(): Promise<void>;
}

const PROGRAMS = ['unshare', 'nsenter', 'ip', 'mount', 'rpcbind', 'rpcinfo', 'ganesha.nfsd'];

/** @throws Iso2RootfsError TOOL_MISSING when this host has no NFS server for us */
export async function requireNfsServer(toolsPath?: string): Promise<void> {
  const missing: string[] = [];
  for (const program of PROGRAMS) {
    if ((await findProgram(program, searchPath(toolsPath))) === undefined) missing.push(program);
  }
  if (missing.length === 0) return;
  throw new Iso2RootfsError('TOOL_MISSING', `not installed: ${missing.join(', ')} (needed to boot an nfsroot)`, {
    hint: 'Run bin/setup-host --for verify, or boot the other images only: --outputs cgz.',
    data: { tools: missing },
  });
}

/**
 * Makes a directory's tree writable without changing it: an overlay whose upper layer is below `scratch`, or a copy where the file system of
 * `scratch` cannot carry one that is exported. It is seen in the namespace only.
 * @returns the directory to export
 */
export async function mountScratchCopy(
  namespace: PrivateNamespace,
  directory: string,
  scratch: string,
): Promise<string> {
  const at = (name: string): string => path.join(scratch, name);
  for (const name of ['upper', 'work', 'export']) await mkdir(at(name), { recursive: true, mode: 0o755 });
  if (![directory, scratch].some((each) => /[:,\\]/.test(each))) {
    // A server finds files by handles (name_to_handle_at(2)), which an overlay gives only with these two.
    const options = `lowerdir=${directory},upperdir=${at('upper')},workdir=${at('work')},index=on,nfs_export=on`;
    const mounted = await namespace.run('mount', ['-t', 'overlay', '-o', options, 'overlay', at('export')], {
      allowedStatuses: [0, 1, 32],
      reason: 'export an image without changing it',
    });
    if (mounted.exitStatus === 0) return at('export');
  }
  await namespace.run('cp', ['-a', '--reflink=auto', '--sparse=auto', '--', `${directory}/.`, at('export')], {
    reason: 'export a copy of an image',
  });
  return at('export');
}

/**
 * Starts rpcbind and nfs-ganesha and waits until they answer. The server ends with the namespace at the latest.
 * @param exported absolute path of a directory, seen in the namespace
 * @throws Iso2RootfsError TOOL_MISSING, TOOL_FAILED
 */
export async function startNfsServer(
  namespace: PrivateNamespace,
  exported: string,
  options: { readonly access: 'RO' | 'RW'; readonly scratch: string },
): Promise<NfsServer> {
  const file = path.join(options.scratch, `ganesha-${options.access}.conf`);
  await mkdir(options.scratch, { recursive: true });
  await writeFile(file, configuration(exported, options.access), { mode: 0o600 });
  const programs: RunningProgram[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(programs.map((program) => program.stop()));
  };
  try {
    // initramfs-tools mounts by NFSv3, whose clients ask rpcbind for the server's ports.
    // Without -h, which makes rpcbind 1.2.6 abort: the namespace has no other interface than the loopback.
    programs.push(await namespace.start('rpcbind', ['-f'], { reason: 'serve NFSv3' }));
    await untilAnswered(namespace);
    let complaint: string | undefined;
    let isReady: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (isReady = resolve));
    const server = await namespace.start(
      'ganesha.nfsd',
      ['-F', '-f', file, '-p', path.join(options.scratch, 'ganesha.pid'), '-L', 'STDERR', '-N', 'NIV_EVENT'],
      {
        reason: 'serve an nfsroot',
        onLine: (line) => {
          // It starts without an export that it cannot make.
          if (complaint === undefined) complaint = /:(?:CONFIG|FSAL) :(?:CRIT|MAJ) :(.*)/.exec(line)?.[1];
          if (line.includes('NFS SERVER INITIALIZED')) isReady();
        },
      },
    );
    programs.push(server);
    await inTime(Promise.race([ready, server.done]), 'nfs-ganesha was not ready');
    if (complaint !== undefined) {
      throw new Iso2RootfsError('TOOL_FAILED', `nfs-ganesha cannot export ${exported}: ${complaint}`, {
        hint: 'Its file system must give handles of files (name_to_handle_at): put the cache on ext4, XFS or btrfs.',
      });
    }
    return { stop };
  } catch (error) {
    await stop();
    throw toIso2RootfsError(error);
  }
}

async function untilAnswered(namespace: PrivateNamespace): Promise<void> {
  const until = performance.now() + START_MS;
  for (;;) {
    const { exitStatus } = await namespace.query('rpcinfo', ['-T', 'tcp', '127.0.0.1', 'portmapper'], {
      allowedStatuses: [0, 1],
      reason: 'see whether rpcbind answers',
    });
    if (exitStatus === 0) return;
    if (performance.now() > until) throw new Iso2RootfsError('TOOL_FAILED', 'rpcbind does not answer');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function inTime<Value>(promise: Promise<Value>, complaint: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Iso2RootfsError('TOOL_FAILED', `${complaint} after ${START_MS / 1000} s`));
    }, START_MS);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** For nfs-ganesha 3 and newer; ganesha-core-config(8), ganesha-export-config(8). */
function configuration(exported: string, access: 'RO' | 'RW'): string {
  return `NFS_CORE_PARAM {
  Protocols = 3, 4;
  # NFSv3 clients mount by the same name as NFSv4 clients.
  mount_path_pseudo = true;
  Enable_NLM = false;
  Enable_RQUOTA = false;
}
NFSV4 {
  Graceless = true;
  # As the kernel's server does: for names a client would start a program that lies on the root that it waits for.
  Only_Numeric_Owners = true;
}
EXPORT {
  Export_Id = 1;
  Path = "${exported}";
  Pseudo = ${EXPORT_NAME};
  Access_Type = ${access};
  Squash = No_Root_Squash;
  Protocols = 3, 4;
  # QEMU's user network connects from whatever port it gets.
  PrivilegedPort = false;
  SecType = sys;
  FSAL { Name = VFS; }
}
`;
}
