/** A tree with everything that conversions lose, made by the real tools. Needs root. */
import {
  chmod,
  chown,
  lchown,
  link,
  lutimes,
  mkdir,
  open,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { run } from '../../../src/tools/run.js';

/** What getfattr prints of an SELinux label, with the NUL that the kernel keeps. */
const LABEL = `0x${Buffer.from('system_u:object_r:bin_t:s0\0').toString('hex')}`;

export async function createNastyTree(root: string): Promise<void> {
  const at = (name: string | Buffer): Buffer => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name)]);
  const put = async (name: string | Buffer, content: string | Buffer = ''): Promise<void> =>
    writeFile(at(name), content);
  await chmod(root, 0o751);
  await chown(root, 12, 34);
  for (const directory of ['etc', 'sticky', 'closed', 'empty', 'boot', '-dash']) await mkdir(at(directory));

  await put('etc/fstab', '/dev/vda1 / ext4 defaults 0 1\n');
  await put('new\nline', 'a');
  await put(' spaces \t', 'b');
  await put(Buffer.from('not-utf8-\xff\xfe', 'latin1'), 'c');
  await put('grüße-☃', 'd');
  await put('-dash/--help', 'e');
  await put('back\\slash*?[', 'f');
  const deep = ['d'.repeat(200), 'ü'.repeat(100), 'e'.repeat(200)];
  for (let depth = 1; depth <= deep.length; depth++) await mkdir(at(deep.slice(0, depth).join('/')));
  await put(`${deep.join('/')}/bottom`, 'deep');
  await put(
    Buffer.concat([Buffer.from(`${deep[0]!}/`), Buffer.from('\xfe'.repeat(150), 'latin1')]),
    'long and no UTF-8',
  );

  await put('setuid', 'x');
  await chown(at('setuid'), 1000, 1000);
  await chmod(at('setuid'), 0o6755);
  await put('closed/none', 'secret');
  await chmod(at('closed/none'), 0);
  await chmod(at('closed'), 0);
  await chmod(at('sticky'), 0o1777);
  await put('large-owner', 'y');
  await chown(at('large-owner'), 4_294_967_294, 2_097_152);

  await put('etc/three', 'three names');
  await chmod(at('etc/three'), 0o755);
  await link(at('etc/three'), at('sticky/three-again'));
  await link(at('etc/three'), at('three-at-last'));
  await put('no-content');
  await link(at('no-content'), at('etc/no-content-2'));

  await symlink('/nowhere/at/all', at('dangling'));
  await lchown(at('dangling'), 77, 88);
  await symlink(Buffer.from('to-\xff', 'latin1'), at('link-to-bytes'));
  await symlink('t'.repeat(300), at('link-far'));
  await lutimes(at('link-far'), 1_000_000_000, 1_000_000_000);

  for (const [name, ...args] of [
    ['null', 'c', '1', '3'],
    ['disk', 'b', '259', '1048575'],
    ['pipe', 'p'],
  ] as const) {
    await run('mknod', [`${root}/${name}`, ...args]);
  }
  await chmod(at('disk'), 0o600);

  await put('sparse', 'start');
  await truncate(at('sparse'), 3 * 1024 * 1024);
  const sparse = await open(at('sparse'), 'r+');
  await sparse.write('end', 3 * 1024 * 1024 - 3);
  await sparse.close();
  await put('medium', Buffer.alloc(300_001, 'medium '));

  await put('capable', 'x');
  await run('setcap', ['cap_net_raw,cap_net_admin+ep', `${root}/capable`]);
  await put('attributes', 'x');
  const attributes = {
    'user.text': 'value\n12 a=b\n',
    'user.binary': '0x000aff3d00',
    'user.empty': '',
    'user.a=b%c': '1',
    'trusted.x': 'y',
  };
  for (const [name, value] of Object.entries({ ...attributes, 'security.selinux': LABEL })) {
    await run('setfattr', ['-n', name, '-v', value, `${root}/attributes`]);
  }
  await run('setfattr', ['-h', '-n', 'trusted.link', '-v', 'z', `${root}/dangling`]);
  await put('acl', 'x');
  await run('setfacl', ['-m', 'u:4000000000:r,g:70:rw', `${root}/acl`]);
  await run('setfacl', ['-d', '-m', 'g:71:rwx', `${root}/empty`]);

  await utimes(at('etc/fstab'), 1_500_000_000, 1_500_000_000);
  await utimes(at('medium'), 1_600_000_000.25, 1_600_000_000.25);
  await run('touch', ['-d', '@12345678901.000000001', `${root}/large-owner`]);
  await run('touch', ['-d', '1960-01-01 00:00:00.5 UTC', `${root}/setuid`]);
}
