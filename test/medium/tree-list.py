#!/usr/bin/env python3
"""Lists a tree, one JSON object per entry and line, so that trees can be compared entry by entry.

    tree-list.py DIR                  the tree below DIR (as root: it reads everything and every xattr)
    tree-list.py --disk IMAGE         the file systems of a raw disk image, mounted read-only where its /etc/fstab has them
    tree-list.py --compare OLD NEW    two such listings: one line per difference, exit status 1 if there is one

Entries are sorted by the bytes of their path. Fields:

    path      relative to DIR ('.' is DIR itself); path64 (base64) instead if it is not UTF-8
    type      file, directory, symlink, character, block, fifo or socket
    mode      permission bits, octal, with setuid, setgid and sticky
    uid, gid  numeric
    mtime     seconds, with nine decimals
    size, sha256                    of files; blocks (of 512 bytes, allocated) with --blocks
    target    of symlinks; target64 if it is not UTF-8
    rdev      [major, minor] of devices
    link      of anything but a directory that has several names in the tree: the first of them; link64 if it is not UTF-8
    xattrs    {name: value in hex}: security.capability, system.posix_acl_access, user.* and whatever else there is
"""

import argparse
import base64
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import tempfile

TYPES = {
    stat.S_IFREG: 'file',
    stat.S_IFDIR: 'directory',
    stat.S_IFLNK: 'symlink',
    stat.S_IFCHR: 'character',
    stat.S_IFBLK: 'block',
    stat.S_IFIFO: 'fifo',
    stat.S_IFSOCK: 'socket',
}


def put_bytes(entry, name, value):
    try:
        entry[name] = value.decode()
    except UnicodeDecodeError:
        entry[name + '64'] = base64.b64encode(value).decode()


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def xattrs_of(path):
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return {}
    return {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in sorted(names)}


def walk(root, excluded, is_one_filesystem):
    """Relative paths below root, '.' first, in the order of their bytes."""
    device = os.lstat(root).st_dev
    paths = [b'.']
    pending = [b'']
    while pending:
        directory = pending.pop()
        with os.scandir(os.path.join(root, directory)) as entries:
            for entry in entries:
                path = os.path.join(directory, entry.name)
                if path in excluded:
                    continue
                paths.append(path)
                if entry.is_dir(follow_symlinks=False):
                    if not is_one_filesystem or entry.stat(follow_symlinks=False).st_dev == device:
                        pending.append(path)
    return sorted(paths)


def list_tree(root, excluded=frozenset(), is_one_filesystem=False, has_blocks=False, has_hashes=True):
    root = os.fsencode(root)
    first_names = {}
    names = {}
    paths = walk(root, excluded, is_one_filesystem)
    for path in paths:
        info = os.lstat(os.path.join(root, path))
        if info.st_nlink > 1 and not stat.S_ISDIR(info.st_mode):
            key = (info.st_dev, info.st_ino)
            first_names.setdefault(key, path)
            names[key] = names.get(key, 0) + 1
    hashes = {}
    for path in paths:
        full = os.path.join(root, path)
        info = os.lstat(full)
        key = (info.st_dev, info.st_ino)
        kind = TYPES[stat.S_IFMT(info.st_mode)]
        entry = {}
        put_bytes(entry, 'path', path)
        entry['type'] = kind
        entry['mode'] = f'{stat.S_IMODE(info.st_mode):04o}'
        entry['uid'] = info.st_uid
        entry['gid'] = info.st_gid
        entry['mtime'] = f'{info.st_mtime_ns // 10**9}.{info.st_mtime_ns % 10**9:09d}'
        if kind == 'file':
            entry['size'] = info.st_size
            if has_hashes:
                if key not in hashes or info.st_nlink == 1:
                    hashes[key] = sha256_of(full)
                entry['sha256'] = hashes[key]
            if has_blocks:
                entry['blocks'] = info.st_blocks
        elif kind == 'symlink':
            put_bytes(entry, 'target', os.readlink(full))
        elif kind in ('character', 'block'):
            entry['rdev'] = [os.major(info.st_rdev), os.minor(info.st_rdev)]
        if names.get(key, 0) > 1:
            put_bytes(entry, 'link', first_names[key])
        xattrs = xattrs_of(full)
        if xattrs:
            entry['xattrs'] = xattrs
        yield entry


def filesystems_of(image):
    """(UUID, type, offset in bytes) of every file system on the partitions of a raw image."""
    table = json.loads(subprocess.run(['sfdisk', '--json', image], check=True, capture_output=True).stdout)['partitiontable']
    for partition in table['partitions']:
        offset = partition['start'] * table.get('sectorsize', 512)
        output = subprocess.run(['blkid', '--probe', '--offset', str(offset), '--output', 'export', image], check=False, capture_output=True).stdout.decode()
        tags = dict(line.split('=', 1) for line in output.splitlines() if '=' in line)
        if tags.get('TYPE') in ('ext2', 'ext3', 'ext4', 'xfs', 'vfat'):
            size = partition['size'] * table.get('sectorsize', 512)
            yield tags.get('UUID', ''), tags['TYPE'], offset, size


def mount(image, kind, offset, size, where):
    options = f'ro,loop,offset={offset},sizelimit={size}' + (',norecovery' if kind in ('ext4', 'xfs') else '')
    subprocess.run(['mount', '-t', kind, '-o', options + (',nouuid' if kind == 'xfs' else ''), image, where], check=True)


def list_disk(image, **options):
    """The tree of the system on a disk image: the file system with /etc/fstab, and those that it mounts."""
    found = list(filesystems_of(image))
    with tempfile.TemporaryDirectory(prefix='tree-list.') as root:
        mounted = []
        try:
            for filesystem in found:
                mount(image, *filesystem[1:], root)
                if os.path.exists(os.path.join(root, 'etc/fstab')):
                    mounted.append(root)
                    break
                subprocess.run(['umount', root], check=True)
            else:
                sys.exit(f'{image}: no file system on it has an /etc/fstab')
            by_uuid = {f'UUID={each[0]}': each for each in found}
            with open(os.path.join(root, 'etc/fstab'), encoding='utf-8', errors='surrogateescape') as file:
                lines = sorted((line.split() for line in file if re.match(r'\s*[^#\s]', line)), key=lambda words: words[1])
            for words in lines:
                if words[0] in by_uuid and words[1].startswith('/') and words[1] != '/':
                    where = root + words[1]
                    mount(image, *by_uuid[words[0]][1:], where)
                    mounted.append(where)
            yield from list_tree(root, **options)
        finally:
            for where in reversed(mounted):
                subprocess.run(['umount', where], check=True)


def read_listing(path, ignored_fields, ignored_paths):
    listing = {}
    with open(path, encoding='ascii') as file:
        for line in file:
            entry = json.loads(line)
            key = base64.b64decode(entry['path64']) if 'path64' in entry else entry['path'].encode()
            if ignored_paths and ignored_paths.search(key):
                continue
            listing[key] = {name: value for name, value in entry.items() if name not in ignored_fields}
    return listing


def compare(old_path, new_path, ignored_fields, ignored_paths):
    pattern = re.compile('|'.join(f'(?:{each})' for each in ignored_paths).encode()) if ignored_paths else None
    old = read_listing(old_path, ignored_fields, pattern)
    new = read_listing(new_path, ignored_fields, pattern)
    differences = 0
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) == new.get(path):
            continue
        differences += 1
        shown = json.dumps(path.decode('utf-8', 'backslashreplace'))
        if path not in new:
            print(f'- {shown}')
        elif path not in old:
            print(f'+ {shown}')
        else:
            for field in sorted(old[path].keys() | new[path].keys()):
                before, after = old[path].get(field), new[path].get(field)
                if before != after:
                    print(f'! {shown} {field}: {json.dumps(before)} -> {json.dumps(after)}')
    return differences


def main():
    parser = argparse.ArgumentParser(description='List a tree, one JSON object per entry, or compare two listings.')
    parser.add_argument('paths', nargs='+', metavar='PATH', help='the directory; the image with --disk; two listings with --compare')
    parser.add_argument('--disk', action='store_true', help='PATH is a raw disk image with an installed system')
    parser.add_argument('--compare', action='store_true', help='compare two listings; exit status 1 if they differ')
    parser.add_argument('--blocks', action='store_true', help='list allocated blocks too')
    parser.add_argument('--no-hashes', action='store_true', help='do not read the files')
    parser.add_argument('-x', '--one-file-system', action='store_true', help='do not enter other file systems')
    parser.add_argument('--exclude', action='append', default=[], metavar='PATH', help='leave out this path and what is below it')
    parser.add_argument('--ignore', default='', metavar='FIELD,...', help='fields not to compare')
    parser.add_argument('--ignore-path', action='append', default=[], metavar='REGEX', help='paths not to compare')
    arguments = parser.parse_args()
    if len(arguments.paths) != (2 if arguments.compare else 1):
        parser.error('one PATH is needed, or two with --compare')
    if arguments.compare:
        sys.exit(1 if compare(*arguments.paths, set(arguments.ignore.split(',')), arguments.ignore_path) else 0)
    lister = list_disk if arguments.disk else list_tree
    options = {
        'excluded': frozenset(os.fsencode(each.strip('/')) for each in arguments.exclude),
        'is_one_filesystem': arguments.one_file_system,
        'has_blocks': arguments.blocks,
        'has_hashes': not arguments.no_hashes,
    }
    for entry in lister(arguments.paths[0], **options):
        print(json.dumps(entry, ensure_ascii=True, separators=(',', ':')))


if __name__ == '__main__':
    main()
