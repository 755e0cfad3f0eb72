import { float32 } from '../dtype.js';
import type { Scope, Shape } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { Norm } from './rms-norm.js';
import { gemmaNorm, normalised, rmsNorm } from './rms-norm.js';
import type { Step } from './sequential.js';

/** Declares a norm under a name, over a width (or, for heads, their number and size), and gives its forward function. */
export type NormLayer = (scope: Scope, name: string, shape: Shape) => Step;

const withWeight =
  (norm: Norm): NormLayer =>
  (scope, name, shape) => {
    const weight = scope.child(name).parameter('weight', shape);
    return (ops, x) => norm(ops, x, weight);
  };

export const rmsNormLayer = withWeight(rmsNorm);
export const gemmaNormLayer = withWeight(gemmaNorm);

/** OLMo 2's RMSNorm: the weight is multiplied before the result is lowered. */
export const lateCastNormLayer = withWeight((ops, x, weight) => {
  ops.enter([x]);
  let h = ops.keep(ops.to(x, float32));
  const variance = ops.keep(ops.mean(ops.pow(h, 2), [-1], true));
  h = ops.rebind(h, ops.mul(h, ops.rsqrt(ops.addScalar(variance))));
  return ops.leave(ops.to(ops.mul(ops.parameter(weight), h), x.dtype));
});

/** Llama 4's RMSNorm: lowered before the weight, which is multiplied last. */
export const weightLastNormLayer = withWeight((ops, x, weight) => {
  ops.enter([x]);
  const h = ops.keep(ops.to(normalised(ops, ops.to(x, float32)), x.dtype));
  return ops.leave(ops.mul(h, ops.parameter(weight)));
});

/** Llama 4's norm of queries and keys, without a weight. */
export const bareRmsNorm: Step = module((ops, x: Tensor): Tensor =>
  ops.to(normalised(ops, ops.to(x, float32)), x.dtype),
);

/** Helium's RMSNorm: the weight is raised to fp32, and multiplied before the result is lowered. */
export const raisedWeightNormLayer = withWeight((ops, x, weight) => {
  ops.enter([x]);
  let h = ops.keep(ops.to(x, float32));
  const variance = ops.keep(ops.mean(ops.pow(h, 2), [-1], true));
  h = ops.rebind(h, ops.mul(h, ops.rsqrt(ops.addScalar(variance))));
  return ops.leave(ops.to(ops.mul(ops.to(ops.parameter(weight), float32), h), x.dtype));
});

/** OLMo's: `F.layer_norm` in fp32 without weights. */
export const bareNormLayer: NormLayer = (scope, name) => {
  scope.child(name);
  return module((ops, x: Tensor): Tensor => {
    const normed = ops.layerNorm(ops.to(x, float32), { weight: null, bias: null });
    return ops.to(normed, x.dtype);
  });
};

/** Cohere's LayerNorm in Python, without a bias. */
export const cohereNormLayer = withWeight((ops, x, weight) => {
  ops.enter([x]);
  let h = ops.keep(ops.to(x, float32));
  const mean = ops.keep(ops.mean(h, [-1], true));
  const variance = ops.keep(ops.mean(ops.pow(ops.sub(h, mean), 2), [-1], true));
  h = ops.rebind(h, ops.mul(ops.sub(h, mean), ops.rsqrt(ops.addScalar(variance))));
  h = ops.rebind(h, ops.mul(ops.to(ops.parameter(weight), float32), h));
  return ops.leave(ops.to(h, x.dtype));
});

/** DeBERTa v1's LayerNorm in Python, in fp32 up to its weight and bias. */
export const pythonNormLayer: NormLayer = (scope, name, [width]) => {
  const { weight, bias } = scope.layerNorm(name, width!);
  return (ops, x) => {
    ops.enter([x]);
    let h = ops.keep(ops.to(x, float32));
    const mean = ops.keep(ops.mean(h, [-1], true));
    const variance = ops.keep(ops.mean(ops.pow(ops.sub(h, mean), 2), [-1], true));
    h = ops.rebind(h, ops.div(ops.sub(h, mean), ops.sqrt(ops.addScalar(variance))));
    h = ops.rebind(h, ops.to(h, x.dtype));
    return ops.leave(ops.add(ops.mul(ops.parameter(weight!), h), ops.parameter(bias!)));
  };
};

/** `nn.LayerNorm` with weight and bias. */
export const plainNormLayer: NormLayer = (scope, name, [width]) => {
  const layer = scope.layerNorm(name, width!);
  return (ops: Operations, x: Tensor) => ops.layerNorm(x, layer);
};

/** Nemotron's LayerNorm: one is added to the weight, and all is cast as autocast says, which then is off. */
export const onePlusNormLayer: NormLayer = (scope, name, [width]) => {
  const { weight, bias } = scope.layerNorm(name, width!);
  return module((ops, x: Tensor): Tensor => {
    const scale = ops.addScalar(ops.parameter(weight!));
    const [input, gain, shift] = [x, scale, ops.parameter(bias!)].map((part) => ops.keep(ops.toAutocast(part)));
    if (gain !== scale) ops.drop(scale);
    return ops.withoutAutocast(() => ops.layerNormWith(input!, { weight: gain!, bias: shift! }, 1));
  });
};
