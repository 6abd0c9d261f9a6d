/** A line chart as SVG. */
import { writeFileSync } from 'node:fs';

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 420, 70, 20, 50, 60];
const COLOURS = ['#1f6feb', '#d1570b', '#2e8540', '#8250df'];

export function writePlot(
  file: string,
  labels: { readonly title: string; readonly x: string; readonly y: string },
  series: readonly Series[],
): void {
  const all = series.flatMap(({ points }) => points);
  const [stepX, stepY] = [niceStep(Math.max(...all.map(([x]) => x))), niceStep(Math.max(...all.map(([, y]) => y)))];
  const largest = (values: readonly number[], step: number): number => Math.ceil(Math.max(...values) / step) * step;
  const maxX = largest(
    all.map(([x]) => x),
    stepX,
  );
  const maxY = largest(
    all.map(([, y]) => y),
    stepY,
  );
  const toX = (x: number): number => LEFT + (x / maxX) * (WIDTH - LEFT - RIGHT);
  const toY = (y: number): number => HEIGHT - BOTTOM - (y / maxY) * (HEIGHT - TOP - BOTTOM);
  const parts: string[] = [text(WIDTH / 2, 24, labels.title, 'middle', 16)];
  for (let x = 0; x <= maxX + stepX / 2; x += stepX) {
    parts.push(
      line(toX(x), toY(0), toX(x), toY(maxY), '#ddd'),
      text(toX(x), HEIGHT - BOTTOM + 18, format(x), 'middle'),
    );
  }
  for (let y = 0; y <= maxY + stepY / 2; y += stepY) {
    parts.push(line(toX(0), toY(y), toX(maxX), toY(y), '#ddd'), text(LEFT - 8, toY(y) + 4, format(y), 'end'));
  }
  parts.push(text(WIDTH / 2, HEIGHT - 16, labels.x, 'middle'));
  parts.push(`<g transform="rotate(-90 18 ${HEIGHT / 2})">${text(18, HEIGHT / 2, labels.y, 'middle')}</g>`);
  series.forEach(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? 'black';
    const path = points.map(([x, y]) => `${toX(x).toFixed(1)},${toY(y).toFixed(1)}`).join(' ');
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const [x, y] of points) {
      parts.push(`<circle cx="${toX(x).toFixed(1)}" cy="${toY(y).toFixed(1)}" r="4" fill="${colour}"/>`);
    }
    parts.push(`<rect x="${LEFT + 14}" y="${TOP + 6 + index * 20}" width="12" height="12" fill="${colour}"/>`);
    parts.push(text(LEFT + 32, TOP + 17 + index * 20, name, 'start'));
  });
  writeFileSync(
    file,
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif">\n` +
      `<rect width="100%" height="100%" fill="white"/>\n${parts.join('\n')}\n</svg>\n`,
  );
}

/** 1, 2 or 5 times a power of ten, so that there are about five steps. */
function niceStep(most: number): number {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
}

function format(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${colour}"/>`;
}

function text(x: number, y: number, words: string, anchor: string, size = 12): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-size="${size}">${escaped}</text>`;
}
