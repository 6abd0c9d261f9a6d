/** `npm run kickstarts`: renders every file of kickstarts/ again and removes those that are no longer rendered. */
import { readdir, rm, writeFile } from 'node:fs/promises';
import { renderAll } from '../../../src/distro/answer/index.js';

const directory = new URL('../../../kickstarts/', import.meta.url);
const files = renderAll();
const wanted = new Set([...files.map(({ fileName }) => fileName), 'README.md']);
for (const name of await readdir(directory)) if (!wanted.has(name)) await rm(new URL(name, directory));
for (const { fileName, text } of files) await writeFile(new URL(fileName, directory), text);
