#!/usr/bin/env node
/** Makes catalog/models.json and catalog/vision.json from a folder with transformers.json and vision.json. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sourceFolder, withoutAbsent, writeRows } from './write-rows.mjs';

/** Keys that describe a record rather than the model. All others are dimensions in Hugging Face's terms. */
const ABOUT = new Set([
  'id',
  'aliases',
  'family',
  'model_type',
  'params',
  'params_active',
  'params_vision',
  'params_text',
  'params_embedding',
  'params_source',
  'params_stated',
  'published_b',
  'mismatch_pct',
  'flags',
  'name_rounding',
  'sources',
  'source_conflicts',
  'needs_formula',
  'no_formula',
  'note',
  'saved_activation_elems_per_image_fp32_flash',
  'timm',
]);

const folder = sourceFolder();
const read = (file) => JSON.parse(readFileSync(join(folder, file), 'utf8'));

/** Names in common use that the source lacks: OpenAI's sizes of GPT-2. */
const MORE_ALIASES = {
  'openai-community/gpt2': ['gpt2-124m', 'gpt-2-124m'],
  'openai-community/gpt2-medium': ['gpt2-355m', 'gpt-2-355m'],
  'openai-community/gpt2-large': ['gpt2-774m', 'gpt-2-774m'],
  'openai-community/gpt2-xl': ['gpt2-1.5b', 'gpt-2-1.5b'],
};

/** Those whose training step is recorded (recorder/record_speech.py). */
const GRAPHS = {
  'facebook/wav2vec2-base': 'wav2vec2-base',
  'facebook/wav2vec2-large-lv60': 'wav2vec2-large-lv60',
  'facebook/hubert-base-ls960': 'hubert-base',
  'facebook/hubert-large-ll60k': 'hubert-large',
  'facebook/hubert-xlarge-ll60k': 'hubert-xlarge',
};

function transformerRow(record) {
  const aliases = [...record.aliases, ...(MORE_ALIASES[record.id] ?? [])];
  return withoutAbsent({
    id: record.id,
    aliases: aliases.filter((alias) => alias !== record.id.toLowerCase()),
    family: record.family,
    modelType: record.model_type,
    config: withoutAbsent(Object.fromEntries(Object.entries(record).filter(([key]) => !ABOUT.has(key)))),
    params: record.params,
    paramsActive: record.params_active,
    paramsSource: record.params_source,
    needsFormula: record.flags ? true : undefined,
    sources: record.sources,
    graph: Object.hasOwn(GRAPHS, record.id) ? ['transformers', GRAPHS[record.id]] : undefined,
  });
}

const transformers = read('transformers.json').models.map(transformerRow);
writeRows(
  'models.json',
  { schema: 1, about: 'Transformer models: dimensions in the terms of config.json, parameter counts, sources by row.' },
  'models',
  transformers,
);

const vision = read('vision.json');
const aliasesOf = (id) => Object.keys(vision.aliases).filter((alias) => vision.aliases[alias] === id);
const torchvision = Object.entries(vision.torchvision).map(([id, record]) =>
  withoutAbsent({
    id,
    library: 'torchvision',
    aliases: aliasesOf(id),
    kind: record.kind,
    params: record.params,
    imageSize: record.crop,
    numClasses: record.num_classes,
  }),
);
const column = Object.fromEntries(vision.timm.columns.map((name, index) => [name, index]));
const timm = vision.timm.rows.map((row) =>
  withoutAbsent({
    id: row[column.name],
    library: 'timm',
    aliases: aliasesOf(row[column.name]),
    kind: 'classification',
    params: row[column.params],
    imageSize: row[column.img],
    numClasses: row[column.num_classes],
    class: row[column.class],
  }),
);
writeRows(
  'vision.json',
  {
    schema: 1,
    about: 'Image models of torchvision and timm: parameter counts, default image size and classes.',
    sources: [
      'torchvision model builders and their stated counts',
      'timm model builders (counts of instantiated models) and timm results CSVs (image size)',
    ],
  },
  'models',
  [...torchvision, ...timm],
);
