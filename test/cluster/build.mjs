#!/usr/bin/env node
/**
 * Makes sure that the control plane for the end-to-end tests is there: `node test/cluster/build.mjs`.
 * Exit status: 0 it is there, 1 the build failed, 69 it cannot be built here because Go is missing.
 */
import { builtDirectory, findAssets, installedGo, missingPrograms } from './assets.mjs';
import { compile } from './compile.mjs';

const goMissing = 69;
const say = (line) => console.log(`control plane: ${line}`);

process.exitCode = await main();

async function main() {
  const found = findAssets();
  if (found) {
    say(`found in ${found}`);
    return 0;
  }
  tellWhatGivenAssetsLack();
  const go = installedGo();
  return go ? build(builtDirectory(go), go) : reportMissingGo();
}

function tellWhatGivenAssetsLack() {
  const given = process.env.KUBEBUILDER_ASSETS;
  if (given) say(`KUBEBUILDER_ASSETS (${given}) lacks ${missingPrograms(given).join(', ')}; it is not used`);
}

async function build(directory, go) {
  say(`building Kubernetes and etcd with ${go.version} into ${directory}`);
  say('6 to 12 minutes and 3 GiB of memory on two cores the first time; once only, later runs find it in the cache');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
  const start = Date.now();
  try {
    await compile(directory, say);
    say(`built in ${Math.round((Date.now() - start) / 1000)} s`);
    return 0;
  } catch (error) {
    console.error(`control plane: ${error.message}`);
    return 1;
  }
}

function reportMissingGo() {
  console.error(
    'END-TO-END TESTS WILL NOT BE RUN: Go is missing, which builds the Kubernetes control plane they need. ' +
      'Install Go 1.21 or later (https://go.dev/dl), or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, ' +
      'kube-controller-manager, kube-scheduler, kubectl, helm and kwok.',
  );
  return goMissing;
}
