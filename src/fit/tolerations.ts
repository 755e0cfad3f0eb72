import type { Taint } from '../inventory/inventory.js';
import type { Toleration } from '../workload/workload.js';

/** Lt and Gt compare the taint's number with the toleration's (KEP-5471). */
function numericallyTolerated(taint: Taint, toleration: Toleration): boolean {
  const [actual, threshold] = [Number(taint.value || NaN), Number(toleration.value || NaN)];
  if (!Number.isSafeInteger(actual) || !Number.isSafeInteger(threshold)) return false;
  return toleration.operator === 'Lt' ? actual < threshold : actual > threshold;
}

/** Whether a toleration covers a taint: k8s.io/api core/v1 Toleration.ToleratesTaint. */
function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  const operator = toleration.operator ?? 'Equal';
  if (operator === 'Exists') return true;
  if (operator === 'Equal') return (toleration.value ?? '') === taint.value;
  return numericallyTolerated(taint, toleration);
}

/** The taints that keep a pod off a node: NoSchedule and NoExecute that no toleration covers. */
export function untolerated(taints: readonly Taint[], tolerations: readonly Toleration[]): Taint[] {
  return taints.filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}
