/** What the name of a training configuration says about the model, in the grammar that OpenMMLab and detectron2 share. */
export interface ConfigurationName {
  /** Model parts, in any order, without batch, schedule, crop and data set. */
  strict: string;
  /** The same without words that say how it is trained: multi-scale, pretrained on what, in which precision. */
  loose: string;
  /** The same without what says how masks are given: bitmaps are cut out on the device, polygons on the host. */
  loosest: string;
  /** Classes of the data set; null where the name says none that is known. */
  classes: number | null;
}

/**
 * Classes of the data sets in configurations' names (`num_classes` of their base configurations in mmdetection 3.3,
 * mmsegmentation 1.2 and mmaction2 1.2).
 */
const CLASSES: Readonly<Record<string, number>> = {
  coco: 80,
  cityscapes: 19,
  ade20k: 150,
  voc12aug: 21,
  voc0712: 20,
  voc: 20,
  'pascal-context-59': 59,
  'pascal-context': 60,
  loveda: 7,
  potsdam: 6,
  vaihingen: 6,
  isaid: 16,
  'coco-stuff164k': 171,
  'coco-stuff10k': 171,
  'lvis-v0.5': 1230,
  'lvis-v1': 1203,
  lvis: 1203,
  openimages: 601,
  openimagesv6: 601,
  objects365v1: 365,
  objects365v2: 365,
  crowdhuman: 1,
  deepfashion: 15,
  kinetics400: 400,
  kinetics600: 600,
  kinetics700: 700,
  kinetics710: 710,
  sthv1: 174,
  sthv2: 174,
  ucf101: 101,
  hmdb51: 51,
  ava21: 81,
  ava22: 81,
  ava: 81,
  multisports: 67,
  ntu60: 60,
  ntu120: 120,
  gym: 99,
  hrf: 2,
  stare: 2,
  'chase-db1': 2,
  drive: 2,
};

/** Data sets that stand behind the model parts, the longest first. */
const DATA_SETS: readonly string[] = Object.keys(CLASSES).sort((a, b) => b.length - a.length);

/** Batch (`8xb2`, `8x2`, `8x16b`), schedule (`1x`, `300e`, `80k`, `100ep`, `s1x`) and crop (`512x1024`). */
const NOT_THE_MODEL = /^(?:\d+xb\d+|\d{1,3}x\d{1,2}b?|s?\d+(?:\.\d+)?x|\d+(?:e|k|ep)|[1-9]\d{2,3}x(?!100$)\d{3,4})$/;

/** Words about the data or about how it is trained, which change neither layers nor sizes. */
const TRAINING_WORDS: ReadonlySet<string> = new Set(
  (
    'ms mstrain fast syncbn amp fp16 adamw sgd lsj pre pretrained pretrain in1k in21k in22k imagenet imagenet1k ig65m ' +
    'sports1m k400 k600 k700 k710 steplr cosine mstest test random mocov2 swav mae cas rsb a1 hyp refine rgb keypoint ' +
    'instaboost finetune xsub xset bone joint motion legacy tricks dense'
  ).split(' '),
);

/** How maskrcnn-benchmark begins the names of the models that detectron2 took over from it (`e2e_faster_rcnn_R_50_C4_1x`). */
const END_TO_END = /^e2e_/;

const LONGEST_NAME = 160;

/** Whether `words` end in the data set's words, and are more than these. */
function endsIn(words: readonly string[], set: string): boolean {
  const parts = set.split('-');
  return words.length > parts.length && words.slice(-parts.length).join('-') === set;
}

/** Words behind the data set that are still about the data. */
const DATA_WORDS: ReadonlySet<string> = new Set(['rgb', 'keypoint', 'xsub', 'xset', 'feature', '2s']);

interface Split {
  words: readonly string[];
  classes: number | null;
}

/** The words without the data set at their end, and its classes. */
function withoutDataSet(words: readonly string[]): Split {
  let behind = words.length;
  while (behind > 1 && DATA_WORDS.has(words[behind - 1]!)) behind--;
  const ahead = words.slice(0, behind);
  const set = DATA_SETS.find((name) => endsIn(ahead, name));
  if (set === undefined) return { words, classes: null };
  return { words: [...ahead.slice(0, -set.split('-').length), ...words.slice(behind)], classes: CLASSES[set]! };
}

const key = (words: readonly string[]): string => [...words].sort().join('-');

/**
 * Reads the name of a configuration: `yolox_l_8x8_300e_coco` and `yolox_l_8xb8-300e_coco` are one model, and so are
 * `mask_rcnn_r50_fpn_mstrain-poly_3x_coco` and `mask-rcnn_r50_fpn_ms-poly-3x_coco`.
 */
export function readConfigurationName(name: string): ConfigurationName {
  const text = name.slice(-LONGEST_NAME).toLowerCase();
  const file = text.slice(text.lastIndexOf('/') + 1).replace(/\.(?:py|ya?ml)$/, '');
  const bare = file.replace(END_TO_END, '');
  const sized = bare.split(/[-_+\s]+/).filter((word) => word !== '');
  const { words, classes } = withoutDataSet(sized.filter((word, i) => i === 0 || !NOT_THE_MODEL.test(word)));
  const strict = words.filter((word, i) => !(word === 'mask' && words[i + 1] === 'refine'));
  const loose = strict.filter((word, i) => i === 0 || !TRAINING_WORDS.has(word));
  const loosest = loose.filter((word) => word !== 'poly');
  return { strict: key(strict), loose: key(loose), loosest: key(loosest), classes };
}
