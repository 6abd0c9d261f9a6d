import type { Arch } from '../../media/types.js';
import type { DistroId } from '../types.js';
import { createAnswerModel } from './model.js';
import { renderAnswerFile } from './render.js';
import type { AnswerFamily, AnswerTarget } from './types.js';

/** The releases that `kickstarts/` holds a file for, with the variant of the medium that it is written for. */
const RELEASES: readonly { distro: DistroId; family: AnswerFamily; variant: string; releases: readonly string[] }[] = [
  {
    distro: 'openeuler',
    family: 'anaconda',
    variant: 'dvd',
    releases: [
      ...withServicePacks('20.03-lts', 4),
      ...withServicePacks('22.03-lts', 4),
      ...withServicePacks('24.03-lts', 3),
    ],
  },
  { distro: 'centos', family: 'anaconda', variant: 'dvd', releases: ['7'] },
  { distro: 'centos-stream', family: 'anaconda', variant: 'dvd', releases: ['9', '10'] },
  { distro: 'rocky', family: 'anaconda', variant: 'dvd', releases: ['8', '9', '10'] },
  { distro: 'almalinux', family: 'anaconda', variant: 'dvd', releases: ['8', '9', '10'] },
  { distro: 'fedora', family: 'anaconda', variant: 'dvd', releases: ['40', '41', '42', '43', '44'] },
  { distro: 'anolis', family: 'anaconda', variant: 'dvd', releases: ['8', '23'] },
  { distro: 'debian', family: 'debian-installer', variant: 'netinst', releases: ['11', '12', '13'] },
  { distro: 'ubuntu', family: 'subiquity', variant: 'live-server', releases: ['20.04', '22.04', '24.04'] },
  { distro: 'opensuse-leap', family: 'autoyast', variant: 'dvd', releases: ['15.6'] },
];

const ARCHES: readonly Arch[] = ['x86_64', 'aarch64'];

const EXTENSIONS: Readonly<Record<AnswerFamily, string>> = {
  anaconda: 'ks',
  'debian-installer': 'preseed',
  subiquity: 'autoinstall.yaml',
  autoyast: 'autoyast.xml',
};

export interface RenderedFile {
  readonly fileName: string;
  readonly target: AnswerTarget & { readonly family: AnswerFamily };
  readonly dialect: string;
  readonly text: string;
}

/** Every file of `kickstarts/`, from the defaults of the model. */
export function renderAll(): RenderedFile[] {
  const model = createAnswerModel();
  return RELEASES.flatMap(({ releases, ...rest }) =>
    releases.flatMap((release) =>
      ARCHES.map((arch) => {
        const target = { ...rest, release, arch, carriesPackages: true };
        const { text, dialect } = renderAnswerFile(target, model);
        const fileName = `${rest.distro}-${release}-${arch}.${EXTENSIONS[rest.family]}`;
        return { fileName, target, dialect, text };
      }),
    ),
  );
}

function withServicePacks(release: string, count: number): string[] {
  return [release, ...Array.from({ length: count }, (_, index) => `${release}-sp${index + 1}`)];
}
