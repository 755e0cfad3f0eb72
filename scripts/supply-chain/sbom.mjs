#!/usr/bin/env node
/**
 * Writes what the image is made of as CycloneDX 1.5: every shipped package of package-lock.json with version, licence,
 * hash and package URL. The same lock file gives the same text, byte for byte.
 *   npm run sbom > plimsoll.cdx.json
 */
import { readFileSync } from 'node:fs';

const ROOT = new URL('../../', import.meta.url);
const read = (file) => JSON.parse(readFileSync(new URL(file, ROOT), 'utf8'));
const { name, version, license } = read('package.json');
const { packages } = read('package-lock.json');

const components = Object.entries(packages)
  .filter(([path, { dev, link }]) => path !== '' && dev !== true && link !== true)
  .map(([path, entry]) => component(path.replace(/^.*node_modules\//, ''), entry))
  .sort((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1))
  .filter((each, index, all) => each['bom-ref'] !== all[index - 1]?.['bom-ref']);

const root = {
  type: 'application',
  'bom-ref': `pkg:npm/${name}@${version}`,
  name,
  version,
  licenses: [expression(license)],
};
console.log(
  JSON.stringify(
    { bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, metadata: { component: root }, components },
    null,
    2,
  ),
);

function component(packageName, { version: installed, license: licence, integrity }) {
  const purl = `pkg:npm/${packageName.replace('@', '%40')}@${installed}`;
  return {
    type: 'library',
    'bom-ref': purl,
    name: packageName,
    version: installed,
    purl,
    ...(licence !== undefined && { licenses: [expression(licence)] }),
    ...(integrity !== undefined && { hashes: hashesOf(integrity) }),
  };
}

function expression(licence) {
  return { expression: licence.replace(/ and /g, ' AND ').replace(/ or /g, ' OR ') };
}

/** Lock files give hashes in base64, CycloneDX wants hexadecimal digits. */
function hashesOf(integrity) {
  return integrity.split(' ').flatMap((text) => {
    const [algorithm, content = ''] = text.split(/-(.*)/s);
    const alg = { sha512: 'SHA-512', sha256: 'SHA-256', sha1: 'SHA-1' }[algorithm];
    return alg === undefined ? [] : [{ alg, content: Buffer.from(content, 'base64').toString('hex') }];
  });
}
