import { float32 } from '../dtype.js';
import type { Block, Buffer, Linear, Parameter, Scope } from '../module-tree.js';
import type { RecordedGraph, WrittenModule } from './recorded-graph.js';
import type { GraphVariables } from './sizes.js';
import { Sizes } from './sizes.js';
import { dtypeOf } from './step-operations.js';

/** Parameters and buffers of a graph by their number, and its linear layers by the reference of their weight. */
export interface GraphState {
  parameters: Parameter[];
  buffers: Buffer[];
  linears: Map<number, Linear>;
  /** Repeated layers by their path. */
  blocks: Map<string, Block>;
}

export const isParameter = (reference: number): boolean => reference < 0 && reference % 2 !== 0;
export const parameterNumber = (reference: number): number => (-1 - reference) / 2;
export const bufferNumber = (reference: number): number => (-2 - reference) / 2;

/** Declares the modules of a graph under a root, in the order of their constructors. */
export function declareModules(root: Scope, graph: RecordedGraph, variables: GraphVariables): GraphState {
  const state: GraphState = { parameters: [], buffers: [], linears: new Map(), blocks: new Map() };
  const scopes = new Map<string, Scope>([['', root]]);
  const frozen = new Set(graph.frozen);
  const kinds = new Map((graph.blocks ?? []).map(([, , path, , , kind]) => [path, kind]));
  const sizes = new Sizes(graph, variables);
  for (const written of graph.modules) declareModule(scopes, written, { sizes, state, frozen, kinds });
  declareLinears(root, graph, state);
  return state;
}

interface Declaration {
  sizes: Sizes;
  state: GraphState;
  frozen: ReadonlySet<number>;
  /** What each repeated layer does, by its path. */
  kinds: ReadonlyMap<string, number>;
}

function declareModule(
  scopes: Map<string, Scope>,
  [path, parameters, buffers]: WrittenModule,
  { sizes, state, frozen, kinds }: Declaration,
): void {
  const cut = path.lastIndexOf('.');
  const parent = scopes.get(cut < 0 ? '' : path.slice(0, cut))!;
  const scope = path === '' ? parent : childOf(parent, path, { kinds, state });
  scopes.set(path, scope);
  for (const [name, shape] of parameters) {
    if (typeof shape === 'number') {
      scope.tie(state.parameters[shape]!);
      continue;
    }
    const options = { frozen: frozen.has(state.parameters.length) };
    state.parameters.push(scope.parameter(name, sizes.list(shape, []), options));
  }
  for (const [name, shape, dtype] of buffers) {
    const type = dtype === 'weights' ? null : dtypeOf(dtype, float32);
    state.buffers.push(scope.buffer(name, sizes.list(shape, []), type));
  }
}

/** A child of its own, or a repeated layer. */
function childOf(parent: Scope, path: string, { kinds, state }: Pick<Declaration, 'kinds' | 'state'>): Scope {
  const name = path.slice(path.lastIndexOf('.') + 1);
  const kind = kinds.get(path);
  if (kind === undefined) return parent.child(name);
  const block = parent.block(name);
  block.scope.variant = String(kind);
  state.blocks.set(path, block);
  return block.scope;
}

/** Linear layers are those steps whose weight and bias are parameters; adapters find them by their path. */
function declareLinears(root: Scope, graph: RecordedGraph, state: GraphState): void {
  for (const [number, [, weight, bias]] of graph.steps) {
    if (graph.operations[number]![0] !== 'linear' || typeof weight !== 'number') continue;
    if (!isParameter(weight) || state.linears.has(weight) || (typeof bias === 'number' && !isParameter(bias))) continue;
    const parameter = state.parameters[parameterNumber(weight)]!;
    const own = typeof bias === 'number' ? state.parameters[parameterNumber(bias)]! : null;
    state.linears.set(weight, root.declareLinear(parameter, own));
  }
}
