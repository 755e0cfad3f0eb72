// Rows of catalog/openmmlab.json from the rows that record_openmmlab.py wrote: node catalog/tools/make-openmmlab.mjs FILE...
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const CATALOG = new URL('../', import.meta.url);
/** How long a model is trained stands in a configuration's name and is no matter of memory. */
const SCHEDULE = /[-_]\d+(?:k|e|x)(?=[-_]|$)/g;

const rows = process.argv
  .slice(2)
  .flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  )
  .filter(({ library, graph }) => existsSync(new URL(`graphs/${library}/${graph}.json.gz`, CATALOG)));
const taken = new Set(rows.map(({ id }) => id));
const models = rows
  .sort((a, b) => (a.library + a.id < b.library + b.id ? -1 : 1))
  .map(({ id, library, graph, numClasses, imageSize }) => {
    const short = id.replace(SCHEDULE, '');
    const aliases = taken.has(short) ? [] : [short];
    taken.add(short);
    return { id, library, aliases, ...(numClasses ? { numClasses } : {}), imageSize, graph };
  });
const about = 'Models of OpenMMLab by the names of their configurations: graph, classes and crop.';
const head = JSON.stringify({
  schema: 1,
  about,
  sources: ['configurations of mmsegmentation 1.2.2, mmaction2 1.2.0, mmdetection 3.3.0, mmyolo 0.6.0'],
});
const body = models.map((model) => JSON.stringify(model)).join(',\n');
writeFileSync(new URL('openmmlab.json', CATALOG), `${head.slice(0, -1)},"models":[\n${body}\n]}\n`);
