import { createHash } from 'node:crypto';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import type { InstalledPackage, PackageList } from './types.js';

/** What the bill of materials is about. */
export interface SbomSubject {
  readonly distro: string;
  readonly release: string;
  readonly arch: string;
  /** What makes this system different from any other. */
  readonly tarSha256: string;
  /** Milliseconds since 1970; undefined: no time is stated. */
  readonly timeMs?: number | undefined;
  readonly programVersion: string;
  /** Where it comes from: names and values. */
  readonly provenance: Readonly<Record<string, string>>;
}

/** Vendors as the package URLs of rpm and deb have them, where a distribution is called otherwise here. */
const NAMESPACES: Readonly<Record<string, string>> = { 'opensuse-leap': 'opensuse', rhel: 'redhat' };

/** A CycloneDX 1.6 document. The same system gives the same bytes: its serial number is made of the system's hash. */
export function formatSbom({ manager, packages }: PackageList, subject: SbomSubject): string {
  const system = new Models.Component(Enums.ComponentType.OperatingSystem, subject.distro, {
    version: subject.release,
    bomRef: `${subject.distro}-${subject.release}-${subject.arch}`,
    properties: new Models.PropertyRepository(
      Object.entries(subject.provenance).map(([name, value]) => new Models.Property(`iso2rootfs:${name}`, value)),
    ),
  });
  const metadata = new Models.Metadata({
    component: system,
    lifecycles: new Models.LifecycleRepository([Enums.LifecyclePhase.PostBuild]),
    tools: new Models.Tools({
      components: new Models.ComponentRepository([
        new Models.Component(Enums.ComponentType.Application, 'iso2rootfs', { version: subject.programVersion }),
      ]),
    }),
    ...(subject.timeMs === undefined ? {} : { timestamp: new Date(subject.timeMs) }),
  });
  const seen = new Set<string>();
  const components = packages.flatMap((one) => {
    const purl = packageUrl(manager, one, subject);
    if (seen.has(purl)) return [];
    seen.add(purl);
    return [describe(one, purl)];
  });
  for (const { bomRef } of components) system.dependencies.add(bomRef);
  const bom = new Models.Bom({
    metadata,
    components: new Models.ComponentRepository(components),
    serialNumber: `urn:uuid:${uuidOf(`iso2rootfs:${subject.tarSha256}`)}`,
  });
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function describe(
  { name, version, license, vendor, source, installedBytes }: InstalledPackage,
  purl: string,
): Models.Component {
  const properties = [
    ...(source === undefined ? [] : [new Models.Property('iso2rootfs:source', source)]),
    ...(installedBytes === undefined ? [] : [new Models.Property('iso2rootfs:installedBytes', String(installedBytes))]),
  ];
  return new Models.Component(Enums.ComponentType.Library, name, {
    version,
    purl,
    bomRef: purl,
    properties: new Models.PropertyRepository(properties),
    ...(vendor === undefined || vendor === '' ? {} : { publisher: vendor }),
    // What rpm packages state is no SPDX expression in general.
    ...(license === undefined || license === ''
      ? {}
      : { licenses: new Models.LicenseRepository([new Models.NamedLicense(license)]) }),
  });
}

/** See https://github.com/package-url/purl-spec (types deb and rpm). */
export function packageUrl(
  manager: PackageList['manager'],
  { name, version, epoch, arch, source }: InstalledPackage,
  { distro, release }: Pick<SbomSubject, 'distro' | 'release'>,
): string {
  const namespace = NAMESPACES[distro] ?? distro;
  const plain = epoch === undefined ? version : version.replace(/^\d+:/, '');
  const qualifiers = Object.entries({
    arch,
    distro: `${distro}-${release}`,
    ...(epoch === undefined ? {} : { epoch: String(epoch) }),
    ...(source === undefined || source === name ? {} : { upstream: source }),
  });
  const query = qualifiers.map(([key, value]) => `${key}=${encode(value)}`).join('&');
  return `pkg:${manager === 'rpm' ? 'rpm' : 'deb'}/${encode(namespace)}/${encode(name)}@${encode(plain)}?${query}`;
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll('%3A', ':');
}

/** A UUID of version 5 (RFC 9562) in the namespace of URLs. */
function uuidOf(name: string): string {
  const namespace = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex');
  const bytes = createHash('sha1').update(namespace).update(name).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
