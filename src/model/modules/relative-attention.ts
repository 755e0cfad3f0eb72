import { int64 } from '../dtype.js';
import type { Parameter, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

export interface RelativeAttention {
  hidden: number;
  heads: number;
  headSize: number;
  dropout: number;
}

type Core = (ops: Operations, heads: readonly [Tensor, Tensor, Tensor, Tensor], mask: Tensor) => Tensor;

/** `rel_shift_bnij`: each query's scores against positions, moved so that those of its own distances come first. */
const shifted = module((ops, x: Tensor, length: Tensor): Tensor => {
  const [batch, heads, queries, places] = x.shape as readonly [number, number, number, number];
  const turned = ops.reshape(x, [batch, heads, places, queries]);
  const moved = ops.reshape(ops.slice(turned, 2, 1, places), [batch, heads, queries, places - 1]);
  return ops.indexSelect(moved, 3, ops.create('arange', [length.shape[3]!], int64));
});

/** `rel_attn_core`: scores of the content and of the distances, over [length, batch, heads, head size]. */
function core(scope: Scope, { heads, headSize, dropout }: RelativeAttention): Core {
  const bias = (name: string): Parameter => scope.parameter(name, [heads, headSize]);
  const distanceBias = bias('r_r_bias');
  bias('r_s_bias');
  const contentBias = bias('r_w_bias');
  return (ops, [query, key, value, distances], mask) => {
    ops.enter([query, key, value, distances, mask]);
    const [length, batch] = query.shape as readonly [number, number];
    /** `einsum('ibnd,jbnd->bnij')` of the biased queries with keys. */
    const scoresWith = (own: Parameter, keys: Tensor): Tensor => {
      const biased = ops.add(query, ops.parameter(own));
      const [q, k] = [ops.lowered(biased), ops.lowered(keys)];
      const rows = ops.reshape(ops.permute(q, [1, 2, 0, 3]), [batch * heads, length, headSize]);
      const columns = ops.reshape(ops.permute(k, [1, 2, 3, 0]), [batch * heads, headSize, keys.shape[0]!]);
      const product = ops.bmm(rows, columns);
      if (q !== biased) ops.drop(biased);
      return ops.view(product, [batch, heads, length, keys.shape[0]!]);
    };
    const content = ops.keep(scoresWith(contentBias, key));
    let places = ops.keep(scoresWith(distanceBias, distances));
    places = ops.rebind(places, shifted(ops, places, content));
    let scores = ops.keep(ops.mulScalar(ops.addScalar(ops.add(content, places))));
    const lowered = ops.lowered(mask);
    const masked = ops.mulScalar(ops.permute(lowered, [2, 3, 0, 1]));
    scores = ops.rebind(scores, ops.sub(scores, masked));
    let weights = ops.keep(ops.softmax(scores));
    weights = ops.rebind(weights, ops.dropout(weights, ops.dropoutOf(dropout)));
    const [w, v] = [ops.lowered(weights), ops.lowered(value)];
    const rows = ops.reshape(w, [batch * heads, length, length]);
    const columns = ops.reshape(ops.permute(v, [1, 2, 0, 3]), [batch * heads, length, headSize]);
    const attended = ops.view(ops.bmm(rows, columns), [batch, heads, length, headSize]);
    return ops.leave(ops.permute(attended, [2, 0, 1, 3]));
  };
}

/** `XLNetRelativeAttention` over [length, batch, hidden], with the norm after it; distances are [places, batch, hidden]. */
export function relativeAttention(
  scope: Scope,
  config: RelativeAttention,
): (ops: Operations, x: Tensor, mask: Tensor, distances: Tensor) => Tensor {
  const { hidden, heads, headSize } = config;
  const [q, k, v, o, r] = ['q', 'k', 'v', 'o', 'r'].map((name) => scope.parameter(name, [hidden, heads, headSize])) as [
    Parameter,
    Parameter,
    Parameter,
    Parameter,
    Parameter,
  ];
  const attend = core(scope, config);
  scope.parameter('seg_embed', [2, heads, headSize]);
  const norm = scope.layerNorm('layer_norm', hidden);

  /** `einsum('ibh,hnd->ibnd')` */
  const project = (ops: Operations, x: Tensor, weight: Parameter): Tensor => {
    const [length, batch] = x.shape as readonly [number, number];
    const [rows, columns] = [ops.lowered(x), ops.lowered(ops.parameter(weight))];
    const product = ops.bmm(
      ops.reshape(rows, [1, length * batch, hidden]),
      ops.reshape(columns, [1, hidden, heads * headSize]),
    );
    return ops.view(product, [length, batch, heads, headSize]);
  };
  /** `einsum('ibnd,hnd->ibh')`, dropout, residual and norm; what is summed over is put in order first. */
  const after = module((ops, h: Tensor, attended: Tensor): Tensor => {
    const [length, batch] = h.shape as readonly [number, number];
    const [own, weight] = [ops.lowered(attended), ops.lowered(ops.parameter(o))];
    const rows = ops.reshape(ops.permute(own, [0, 1, 3, 2]), [1, length * batch, heads * headSize]);
    const columns = ops.reshape(ops.permute(weight, [2, 1, 0]), [1, headSize * heads, hidden]);
    let out = ops.keep(ops.view(ops.bmm(rows, columns), [length, batch, hidden]));
    out = ops.rebind(out, ops.dropout(out, ops.dropoutOf(config.dropout)));
    out = ops.rebind(out, ops.add(out, h));
    return ops.layerNorm(out, norm);
  });

  return module((ops, x: Tensor, mask: Tensor, distances: Tensor): Tensor => {
    const [query, key, value] = [q, k, v].map((weight) => ops.keep(project(ops, x, weight))) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const places = ops.keep(project(ops, ops.to(distances, ops.parameter(r).dtype), r));
    const attended = ops.keep(attend(ops, [query, key, value, places], mask));
    return after(ops, x, attended);
  });
}
