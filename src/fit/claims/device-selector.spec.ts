import { describe, expect, it } from '@jest/globals';
import type { SliceDevice } from '../../inventory/resource-slice.js';
import { deviceSelector } from './device-selector.js';
import type { Match } from './device-selector.js';

const GIB = 2 ** 30;
const H100: SliceDevice = {
  driver: 'gpu.nvidia.com',
  pool: 'node-1',
  name: 'gpu-0',
  reach: { kind: 'node', name: 'node-1' },
  attributes: {
    'gpu.nvidia.com/type': { kind: 'string', value: 'gpu' },
    'gpu.nvidia.com/productName': { kind: 'string', value: 'NVIDIA H100 80GB HBM3' },
    'gpu.nvidia.com/driverVersion': { kind: 'version', value: '570.86.15' },
    'gpu.nvidia.com/index': { kind: 'int', value: 3 },
    'gpu.nvidia.com/mig': { kind: 'bool', value: false },
    'resource.kubernetes.io/pcieRoot': { kind: 'string', value: 'pci0000:00' },
  },
  capacity: { 'gpu.nvidia.com/memory': 80 * GIB },
  taints: [],
  consumes: {},
};

const answer = (expression: string, device: SliceDevice = H100): string => {
  const selector = deviceSelector(expression);
  return typeof selector === 'string' ? selector : selector.matches(device);
};

describe('a CEL selector', () => {
  it.each<[string, Match]>([
    ['device.driver == "gpu.nvidia.com"', 'yes'],
    [`device.attributes['gpu.nvidia.com'].productName == 'NVIDIA H100 80GB HBM3'`, 'yes'],
    ['device.attributes["gpu.nvidia.com"].productName.lowerAscii().matches("^nvidia h.*$")', 'yes'],
    ['device.attributes["gpu.nvidia.com"].productName in ["NVIDIA A100", "NVIDIA L4"]', 'no'],
    ['device.capacity["gpu.nvidia.com"].memory.compareTo(quantity("40Gi")) >= 0', 'yes'],
    ['device.capacity["gpu.nvidia.com"].memory.isGreaterThan(quantity("80Gi"))', 'no'],
    ['device.capacity["gpu.nvidia.com"].memory == quantity("81920Mi")', 'yes'],
    ['quantity("500m").isLessThan(quantity("1"))', 'yes'],
    ['device.attributes["gpu.nvidia.com"].driverVersion.compareTo(semver("550.0.0")) > 0', 'yes'],
    [
      'semver("1.0.0-rc.2").isLessThan(semver("1.0.0")) && semver("1.0.0-rc.2").isGreaterThan(semver("1.0.0-rc.1"))',
      'yes',
    ],
    ['device.attributes["gpu.nvidia.com"].index >= 2 && !device.attributes["gpu.nvidia.com"].mig', 'yes'],
    ['device.attributes["resource.kubernetes.io"].pcieRoot == "pci0000:00"', 'yes'],
    ['cel.bind(gpu, device.attributes["gpu.nvidia.com"], gpu.type == "gpu" && gpu.index == 3)', 'yes'],
    ['device.attributes["gpu.nvidia.com"].exists(name, name == "uuid")', 'no'],
    ['device.attributes["gpu.nvidia.com"].?profile.orValue("whole") == "whole"', 'yes'],
  ])('%s: %s', (expression, expected) => {
    expect(answer(expression)).toBe(expected);
  });

  it.each<[string, Match]>([
    ['device.attributes["gpu.nvidia.com"].profile == "1g.10gb"', 'error'],
    ['device.attributes["nic.example.com"].speed > 10', 'error'],
    ['has(device.attributes["gpu.nvidia.com"].profile)', 'no'],
    ['has(device.attributes["gpu.nvidia.com"].type) && has(device.capacity["gpu.nvidia.com"].memory)', 'yes'],
    ['!has(device.attributes["nic.example.com"].speed)', 'yes'],
    ['"nic.example.com" in device.attributes', 'no'],
    ['device.attributes["nic.example.com"].speed > 10 && device.driver == "nic.example.com"', 'no'],
    ['device.attributes["nic.example.com"].speed > 10 || device.driver == "gpu.nvidia.com"', 'yes'],
  ])('on what the device does not have: %s: %s', (expression, expected) => {
    expect(answer(expression)).toBe(expected);
  });

  it('tells devices apart by what it looks at only, and by that surely', () => {
    const expression = 'device.attributes["gpu.nvidia.com"].index == 3';
    const other = {
      ...H100,
      attributes: { ...H100.attributes, 'gpu.nvidia.com/index': { kind: 'int', value: 4 } as const },
    };
    expect([answer(expression), answer(expression, other), answer(expression)]).toEqual(['yes', 'no', 'yes']);
    const counting = 'device.attributes["gpu.nvidia.com"].size() == 5';
    const { 'gpu.nvidia.com/mig': _mig, ...fewer } = H100.attributes;
    expect([answer(counting), answer(counting, { ...H100, attributes: fewer })]).toEqual(['yes', 'no']);
  });

  it.each([
    ['what is no CEL', 'device.driver ==', /expected|unexpected|end of/i],
    ['what gives no truth', '"a" + "b"', /gives string/],
    ['a variable that there is not', 'process.env.HOME == ""', /unknown variable/i],
    ['a function that there is not', 'device.driver.reverseAll() == "x"', /reverseAll/],
    ['what is longer than the API server takes', `true || ${'false || '.repeat(1200)}true`, /longer than/],
    ['more parts than are run', `${'1 + '.repeat(900)}1 == 900`, /limit|exceed|nodes/i],
    ['loops within loops', '[1].all(a, [1].all(b, [1].all(c, a + b + c == 3)))', /loops within loops/],
    ['a pattern that may take for ever', 'device.driver.matches("^(a+)+$")', /not a plain one/],
    ['a pattern that is made up', 'device.driver.matches(device.driver)', /not a plain one/],
  ])('is not made of %s', (_, expression, problem) => {
    expect(answer(expression)).toMatch(problem);
  });

  it('takes microseconds for each of many devices that are alike in what it looks at', () => {
    const selector = deviceSelector('device.capacity["gpu.nvidia.com"].memory.compareTo(quantity("40Gi")) >= 0');
    if (typeof selector === 'string') throw new Error(selector);
    const started = performance.now();
    for (let index = 0; index < 20_000; index += 1)
      selector.matches({
        ...H100,
        attributes: { ...H100.attributes, 'gpu.nvidia.com/uuid': { kind: 'string', value: `GPU-${index}` } },
      });
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
