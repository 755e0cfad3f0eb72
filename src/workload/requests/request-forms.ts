import type { DeviceRequest } from '../workload.js';
import { UnreadableManifest } from '../workload.js';
import { aliyun } from './aliyun.js';
import { amd } from './amd.js';
import { gaudi } from './gaudi.js';
import { hami } from './hami.js';
import { intel } from './intel.js';
import { koordinator } from './koordinator.js';
import { nvidiaDevices } from './nvidia-devices.js';
import { nvidiaMig } from './nvidia-mig.js';
import { podAnnotations } from './pod-annotations.js';
import type { Amount, Asked, RequestForm } from './request-form.js';
import { resourceClaims } from './resource-claims.js';
import { substitutedName } from './substituted-name.js';
import { tencent } from './tencent.js';
import { volcanoVgpu } from './volcano-vgpu.js';

/** Every way to ask for devices. HAMi stands before the device plugin, whose resource name it takes as a count of parts. */
export const REQUEST_FORMS: readonly RequestForm[] = [
  podAnnotations,
  hami,
  nvidiaDevices,
  nvidiaMig,
  volcanoVgpu,
  koordinator,
  aliyun,
  tencent,
  amd,
  intel,
  gaudi,
  resourceClaims,
  substitutedName,
];

/** Accelerators that Plimsoll does not know the memory of; asking for them is said, not assessed. */
const FOREIGN =
  /^(google\.com\/tpu|cloud-tpus\.google\.com\/|aws\.amazon\.com\/neuron|huawei\.com\/[Aa]scend|cambricon\.com\/)/;

/** More devices than this in one container are refused: no node has them. */
const MAX_DEVICES = 4096;

export interface ContainerRequests {
  devices: DeviceRequest[];
  /** Extended resources that no form knows: network adapters and the like. */
  others: ReadonlyMap<string, Amount>;
}

/** What one container asks for, form by form: a resource name that one form has taken is not seen by the next. */
export function readRequests(asked: Asked): ContainerRequests {
  const others = new Map(asked.amounts);
  const devices: DeviceRequest[] = [];
  for (const form of REQUEST_FORMS) {
    const understood = form.read({ ...asked, amounts: others });
    if (understood === null) continue;
    devices.push(...understood.requests);
    for (const name of understood.names) others.delete(name);
  }
  noteForeign(others, asked);
  devices.forEach(refuseAbsurd);
  return { devices: devices.filter(({ count }) => count > 0), others };
}

function refuseAbsurd({ count, places }: DeviceRequest): void {
  if (count > MAX_DEVICES) throw new UnreadableManifest(places[0] ?? '', `at most ${MAX_DEVICES} devices`);
}

function noteForeign(left: ReadonlyMap<string, unknown>, { log }: Asked): void {
  for (const name of left.keys()) {
    if (FOREIGN.test(name)) log.note(`${name} is an accelerator that is not assessed`);
  }
}
