// Rows of catalog/openmmlab.json, detectron2.json and ultralytics.json from the rows that their recorders wrote; a file of
// whose libraries no row is given stays as it is:
// node catalog/tools/make-openmmlab.mjs FILE...
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
/** Files of the catalog: which libraries they hold, and from what. */
const FILES = [
  {
    file: 'openmmlab.json',
    libraries: ['mmaction', 'mmdet', 'mmseg', 'mmyolo'],
    about: 'Models of OpenMMLab by the names of their configurations: graph, classes and crop.',
    source: 'configurations of mmsegmentation 1.2.2, mmaction2 1.2.0, mmdetection 3.3.0, mmyolo 0.6.0',
  },
  {
    file: 'detectron2.json',
    libraries: ['detectron2'],
    about: 'Models of detectron2 by the names of their configurations without schedule: graph, classes and image.',
    source: 'configurations of detectron2 at 02b5c4e2, its projects ViTDet, MViTv2 and DensePose',
  },
  {
    file: 'torchvision-detectors.json',
    libraries: ['torchvision'],
    about: "torchvision's detectors by their constructors' names: classes with the background, and image.",
    source: 'torchvision 0.24.1: models/detection',
  },
  {
    file: 'ultralytics.json',
    libraries: ['ultralytics', 'yolov5'],
    about: "Models of ultralytics and of YOLOv5's own code by the names of their weights: graph, classes and image.",
    source: 'configurations of ultralytics 8.3.200 and of YOLOv5 at 5081342f',
  },
];

/** Rows with the names that they have without their schedule, where no other row has that name. */
function withAliases(chosen) {
  const taken = new Set(chosen.map(({ id }) => id));
  return chosen
    .sort((a, b) => (a.library + a.id < b.library + b.id ? -1 : 1))
    .map(({ id, library, graph, numClasses, imageSize, resizedTo }) => {
      const short = id.replace(SCHEDULE, '');
      const aliases = taken.has(short) ? [] : [short];
      taken.add(short);
      return {
        id,
        library,
        aliases,
        ...(numClasses ? { numClasses } : {}),
        imageSize,
        ...(resizedTo ? { resizedTo } : {}),
        graph,
      };
    });
}

for (const { file, libraries, about, source } of FILES) {
  const models = withAliases(rows.filter(({ library }) => libraries.includes(library)));
  if (models.length === 0) continue;
  const head = JSON.stringify({ schema: 1, about, sources: [source] });
  const body = models.map((model) => JSON.stringify(model)).join(',\n');
  writeFileSync(new URL(file, CATALOG), `${head.slice(0, -1)},"models":[\n${body}\n]}\n`);
}
