import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';

/** The same for `src/` under tsx and for `dist/`. */
const TEMPLATES = fileURLToPath(new URL('../../../templates/', import.meta.url));

/** No HTML here: every value is quoted for its own syntax before it reaches a template. */
const eta = new Eta({ views: TEMPLATES, autoEscape: false, autoTrim: false, cache: true });

export function renderTemplate(name: string, data: object): string {
  return eta.render(`./${name}`, data);
}
