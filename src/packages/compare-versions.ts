/** Compares versions run by run, numbers as numbers, a tilde before anything (as rpm and dpkg do). */
export function compareVersions(one: string, other: string): number {
  const ones = runsOf(one);
  const others = runsOf(other);
  for (let index = 0; index < Math.max(ones.length, others.length); index++) {
    const a = ones[index];
    const b = others[index];
    if (a === b) continue;
    if (a === undefined) return b === '~' ? 1 : -1;
    if (b === undefined) return a === '~' ? -1 : 1;
    if (a === '~' || b === '~') return a === '~' ? -1 : 1;
    const areNumbers = /^\d/.test(a) && /^\d/.test(b);
    if (areNumbers) {
      const difference = BigInt(a) - BigInt(b);
      if (difference !== 0n) return difference < 0n ? -1 : 1;
      continue;
    }
    if (/^\d/.test(a) !== /^\d/.test(b)) return /^\d/.test(a) ? 1 : -1;
    return a < b ? -1 : 1;
  }
  return 0;
}

function runsOf(version: string): string[] {
  return version.match(/\d+|[A-Za-z]+|~/g) ?? [];
}

/** Versions of packages: as above, but an epoch (`2:1.0`) decides before all, and none is 0. */
export function comparePackageVersions(one: string, other: string): number {
  const [[ownEpoch, own], [otherEpoch, rest]] = [splitEpoch(one), splitEpoch(other)];
  return ownEpoch - otherEpoch || compareVersions(own, rest);
}

function splitEpoch(version: string): [number, string] {
  const [, epoch, rest] = /^(\d{1,9}):(.*)$/s.exec(version) ?? [];
  return [Number(epoch ?? 0), rest ?? version];
}
