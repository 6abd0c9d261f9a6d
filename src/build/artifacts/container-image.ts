import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { isAskedFor } from '../../initramfs/overlay-initramfs.js';
import { TarTree } from '../../initramfs/tar-tree.js';
import { createEntry } from '../../tree/entry.js';
import { TarWriter } from '../../tree/tar-writer.js';
import { compressionOf } from '../../config/compression.js';
import type { Manifest } from '../manifest.js';
import { makeCompressedTar } from './compressed-tar.js';
import { writeHashed, type MadeFile, type MakingContext } from './making.js';

/** A member of an image's archive: small ones are in memory, layers in files. */
interface Member {
  readonly name: string;
  readonly content: Buffer | { readonly file: string; readonly sizeBytes: number };
}

interface Blob {
  readonly digest: string;
  readonly size: number;
}

/** Names of architectures as Go has them (image-spec, config.md). */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

/**
 * rootfs.tar -> a container image of one layer, in a tar archive.
 *
 * `oci`: an OCI image layout (image-spec 1.0: image-layout.md), as `podman load`, `docker load` since version 25 and
 * `skopeo copy oci-archive:` take it. `docker`: what `docker save` writes, which every docker loads.
 *
 * The layer is rootfs.tar itself, so that its diff ID is the SHA-256 of rootfs.tar. No clock goes into it: same tree, same image.
 */
export async function makeContainerImage(
  making: MakingContext,
  format: 'oci' | 'docker',
  path: string,
): Promise<MadeFile> {
  const { context, tarPath, manifest } = making;
  const tree = await TarTree.open(tarPath, isAskedFor, context.signal);
  let shell: string;
  try {
    shell = tree.resolve('bin/bash')?.entry.type === 'file' ? '/bin/bash' : '/bin/sh';
  } finally {
    await tree.close();
  }
  const seconds = tree.summary.newestSeconds;
  const config = describeImage(making, shell, new Date(seconds * 1000));
  const layerPath = `${path}.layer`;
  try {
    const members =
      format === 'oci'
        ? ociMembers(manifest, config, await makeCompressedTar(making, compressionOf('gzip'), layerPath))
        : dockerMembers(manifest, config, { file: tarPath, sizeBytes: (await stat(tarPath)).size });
    return await writeHashed(Readable.from(writeMembers(members, seconds)), path, context.signal);
  } finally {
    await rm(layerPath, { force: true });
  }
}

/** https://github.com/opencontainers/image-spec/blob/v1.0.2/config.md */
function describeImage({ manifest, tarSha256 }: MakingContext, shell: string, created: Date): Buffer {
  const { arch } = manifest.medium;
  return json({
    created: rfc3339(created),
    architecture: GO_ARCHITECTURES[arch] ?? arch,
    os: 'linux',
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Cmd: [shell],
      Labels: labelsOf(manifest),
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${tarSha256}`] },
    history: [{ created: rfc3339(created), created_by: 'iso2rootfs', comment: `key ${manifest.key}` }],
  });
}

/** https://github.com/opencontainers/image-spec/blob/v1.0.2/annotations.md */
function labelsOf({ medium, key, kernel }: Manifest): Record<string, string> {
  return {
    'org.opencontainers.image.title': `${medium.distro} ${medium.release}`,
    'org.opencontainers.image.version': medium.release,
    'iso2rootfs.distro': medium.distro,
    'iso2rootfs.release': medium.release,
    'iso2rootfs.arch': medium.arch,
    'iso2rootfs.kernel': kernel.version,
    'iso2rootfs.key': key,
  };
}

function ociMembers(manifest: Manifest, config: Buffer, layer: MadeFile): Member[] {
  const configBlob = blobOf(config);
  const layerBlob = { digest: `sha256:${layer.sha256}`, size: layer.sizeBytes };
  const imageManifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...configBlob },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...layerBlob }],
    annotations: labelsOf(manifest),
  });
  const manifestBlob = blobOf(imageManifest);
  const { name, tag } = nameOf(manifest);
  const index = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        ...manifestBlob,
        annotations: {
          'org.opencontainers.image.ref.name': `localhost/${name}:${tag}`,
          'io.containerd.image.name': `localhost/${name}:${tag}`,
        },
      },
    ],
  });
  const at = ({ digest }: Blob): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;
  return [
    { name: 'oci-layout', content: json({ imageLayoutVersion: '1.0.0' }) },
    { name: 'index.json', content: index },
    { name: at(manifestBlob), content: imageManifest },
    { name: at(configBlob), content: config },
    { name: at(layerBlob), content: { file: layer.path, sizeBytes: layer.sizeBytes } },
  ];
}

/** https://github.com/moby/moby/blob/master/image/spec/spec.md, "Combined Image JSON + Filesystem Changeset Format". */
function dockerMembers(manifest: Manifest, config: Buffer, layer: { file: string; sizeBytes: number }): Member[] {
  const id = blobOf(config).digest.slice('sha256:'.length);
  const { name, tag } = nameOf(manifest);
  return [
    {
      name: 'manifest.json',
      content: json([{ Config: `${id}.json`, RepoTags: [`${name}:${tag}`], Layers: ['layer.tar'] }]),
    },
    { name: `${id}.json`, content: config },
    { name: 'layer.tar', content: layer },
  ];
}

/** `iso2rootfs/openeuler` and `22.03-lts`, of the characters that a reference may have (distribution/reference). */
function nameOf({ medium }: Manifest): { name: string; tag: string } {
  const part = medium.distro
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  const tag = medium.release
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 128);
  return { name: `iso2rootfs/${part === '' ? 'system' : part}`, tag: tag === '' ? 'latest' : tag };
}

function blobOf(content: Buffer): Blob {
  return { digest: `sha256:${createHash('sha256').update(content).digest('hex')}`, size: content.length };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function rfc3339(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

async function* writeMembers(
  members: readonly Member[],
  mtimeSeconds: number,
): AsyncGenerator<Buffer, void, undefined> {
  let ready: Buffer[] = [];
  const writer = new TarWriter((chunk) => ready.push(chunk), 'bare');
  const take = (): Buffer[] => {
    const taken = ready;
    ready = [];
    return taken;
  };
  const directories = new Set<string>();
  for (const { name, content } of members) {
    for (let slash = name.indexOf('/'); slash > 0; slash = name.indexOf('/', slash + 1)) {
      const directory = name.slice(0, slash);
      if (directories.has(directory)) continue;
      directories.add(directory);
      writer.writeEntry(createEntry({ path: Buffer.from(directory), type: 'directory', mtimeSeconds }));
    }
    const sizeBytes = Buffer.isBuffer(content) ? content.length : content.sizeBytes;
    writer.writeEntry(createEntry({ path: Buffer.from(name), type: 'file', sizeBytes, mtimeSeconds }));
    if (Buffer.isBuffer(content)) writer.writeContent(content);
    else {
      for await (const chunk of createReadStream(content.file, { highWaterMark: 1024 * 1024 })) {
        writer.writeContent(chunk as Buffer);
        yield* take();
      }
    }
    writer.endContent();
    yield* take();
  }
  writer.finish();
  yield* take();
}
