import { createEntry, type TreeEntry, type TreeFile } from '../../tree/entry.js';

export const RESOLV_CONF = 'etc/resolv.conf';

/** Servers of the network that the system was installed in. */
export function namesServers(resolvConf: string): boolean {
  return /^\s*nameserver\s/m.test(resolvConf);
}

/** What systemd-resolved has in the place of the file. */
export function linkToStub(entry: TreeEntry): TreeFile {
  const { path, uid, gid, mtimeSeconds, mtimeNanoseconds, selinuxLabel } = entry;
  const linkTarget = Buffer.from('../run/systemd/resolve/stub-resolv.conf');
  return {
    entry: createEntry({
      path,
      uid,
      gid,
      mtimeSeconds,
      mtimeNanoseconds,
      selinuxLabel,
      type: 'symlink',
      linkTarget,
    }),
    content: Buffer.alloc(0),
  };
}
