import type { AnswerTarget } from '../../../../src/distro/answer/index.js';

const dvd = { arch: 'x86_64', carriesPackages: true, variant: 'dvd' } as const;

export const OPENEULER: AnswerTarget = { ...dvd, distro: 'openeuler', release: '22.03-lts', family: 'anaconda' };
export const CENTOS_7: AnswerTarget = { ...dvd, distro: 'centos', release: '7', family: 'anaconda' };
export const ROCKY: AnswerTarget = { ...dvd, distro: 'rocky', release: '9.4', family: 'anaconda' };
export const DEBIAN: AnswerTarget = { ...dvd, distro: 'debian', release: '12', family: 'debian-installer' };
export const UBUNTU: AnswerTarget = {
  ...dvd,
  distro: 'ubuntu',
  release: '24.04',
  family: 'subiquity',
  variant: 'live-server',
};
export const LEAP: AnswerTarget = { ...dvd, distro: 'opensuse-leap', release: '15.6', family: 'autoyast' };

export const ONE_OF_EACH = [OPENEULER, DEBIAN, UBUNTU, LEAP] as const;

/** What `openssl passwd -6` makes of a password. */
export const HASH =
  '$6$qD9RRqY8X1yij0rh$QpC.kXDBn9AWf3QpLTs0hSg2io2UQV9MQnSvch/1p.wfHI3.dMZHJ9id7Ll4KRvPcJGd/nkdice0NonCa87Ve1';
