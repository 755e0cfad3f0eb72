#!/usr/bin/env node
/** Makes catalog/gpus.json from a folder with gpus.json and the observations beside this file. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceFolder, withoutAbsent, writeRows } from './write-rows.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const source = JSON.parse(readFileSync(join(sourceFolder(), 'gpus.json'), 'utf8'));
const observed = JSON.parse(readFileSync(join(here, 'gpu-observations.json'), 'utf8'));
const rowOf = (table, model) => table.rows.find(([models]) => models.includes(model));

function migRow(model, profile) {
  const seen = observed.mig.rows.find(([models, name]) => models.includes(model) && name === profile.profile);
  return withoutAbsent({
    profile: profile.profile,
    maxInstances: profile.max_instances,
    memoryMib: profile.memory_mib ?? seen?.[2],
  });
}

function usableOf(model) {
  const row = rowOf(observed.usable, model);
  return row ? { usableMib: row[1], usableObserved: row[2] } : {};
}

function nvidiaRow(gpu) {
  return withoutAbsent({
    model: gpu.nvml_name,
    vendor: 'nvidia',
    gfdProduct: gpu.gfd_product,
    architecture: gpu.architecture,
    computeCapability: Number(gpu.compute_capability),
    totalMib: gpu.memory_mib,
    totalVerified: gpu.memory_mib_verified,
    otherTotalsMib: gpu.memory_mib_other_drivers,
    ...usableOf(gpu.nvml_name),
    aliases: gpu.aliases,
    migProfiles: gpu.mig_profiles?.map((profile) => migRow(gpu.nvml_name, profile)),
    source: gpu.source,
  });
}

/** The MI250 family holds two dies that each show as one device with half of the memory. */
function amdRow(gpu) {
  const perDevice = /MI250/.test(gpu.name) ? gpu.memory_gb / 2 : gpu.memory_gb;
  const total = rowOf(observed.total, gpu.name);
  return withoutAbsent({
    model: gpu.name,
    vendor: 'amd',
    architecture: gpu.architecture,
    totalMib: total?.[1] ?? perDevice * 1024,
    totalVerified: total !== undefined,
    ...usableOf(gpu.name),
    aliases: gpu.aliases,
    source: source.amd_source,
  });
}

writeRows(
  'gpus.json',
  {
    schema: 1,
    about: 'GPUs: names, nvidia-smi totals, what processes can use, MIG profiles. All sizes in MiB.',
    sources: {
      usable: observed.usable.source,
      total: observed.total.source,
      mig: `${source.mig_source}; ${observed.mig.source}`,
    },
  },
  'gpus',
  [...source.gpus.map(nvidiaRow), ...source.amd.map(amdRow)],
);
