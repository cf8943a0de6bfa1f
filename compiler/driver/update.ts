/**
 * @file The graphs of the optimiser step: mean gradient, clipping, the optimiser's update, page by page where its state is paged, and in 16-bit
 * training the factor on the loss (Micikevicius et al. 2018): halved where a gradient overflowed, in which case the step changes nothing.
 */
import { createElaboration, type Elaboration } from '../elaborate/elaboration.js';
import { decodedWeight, encodedParts } from '../elaborate/format.js';
import { elaborateUpdate, learningRate } from '../elaborate/optimizer.js';
import { toNode } from '../elaborate/tensors.js';
import { createGraph, type GraphBuilder } from '../graph/builder.js';
import type { NodeId, Output } from '../graph/graph.js';
import type { ScalarExpr } from '../plan/program.js';
import type { Resolved } from '../spec/check.js';
import { total, type EntryGraph } from './graphs.js';
import { flat, type Group, type Layout, type Page, type PageState } from './layout.js';
import { finishGraph, type Watch } from './passes.js';

/** The optimiser step: mean gradient, global norm, clipping, update; sums go back to zero. Where the state is paged, the entries of the
 * pages update and `updateEnd` sets the sums back: then this one only finds the factor on the gradient. */
export function updateGraph(resolved: Resolved, layout: Layout, watch?: Watch): EntryGraph {
  const g = createGraph();
  const e = createElaboration(g, { training: true });
  const { spec } = resolved;
  const one = (value: number): NodeId => g.constant(value, [1]);
  const lossSum = storedVector(g, flat.loss, 1);
  const count = divisor(g, layout);
  const means = layout.groups.map(({ elements }, group) =>
    g.add('div', [storedVector(g, flat.gradient(group), elements), g.broadcastTo(count, [elements])]),
  );
  const norm = g.add('sqrt', [means.map((mean) => total(g, g.add('mul', [mean, mean]))).reduce((a, b) => g.add('add', [a, b]))]);
  // PyTorch's clip_grad_norm_: max_norm / (norm + 1e-6), at most 1.
  const clip = spec.tune.clip;
  const scale = clip === null ? undefined : g.add('min', [g.add('div', [one(clip), g.add('add', [norm, one(1e-6)])]), one(1)]);
  const values: Output[] = [
    { name: 'loss', node: g.add('div', [lossSum, counted(g)]), mode: 'value' },
    { name: 'grad_norm', node: norm, mode: 'value' },
    ...(layout.narrow
      ? [
          { name: 'flags', node: g.add('reshape', [flagsOf(g)], { shape: [2] }), mode: 'value' } as const,
          { name: 'loss_scale', node: storedVector(g, flat.lossScale, 1), mode: 'value' } as const,
        ]
      : []),
  ];
  if (layout.pages.length > 0) {
    const outputs: Output[] = [...values, { name: 'scale', node: scale ?? one(1), mode: 'assign', tensor: flat.scale }];
    return { graph: finishGraph(g.finish(outputs), watch), hosts: new Map(e.hosts) };
  }
  const assigned = layout.groups.flatMap(({ elements, rate, state }, group): Output[] =>
    updated(e, g, resolved, layout, {
      name: String(group),
      elements,
      rate,
      trained: flat.trained(group),
      gradient: flat.gradient(group),
      state: state.map((s) => ({ ...s, tensor: flat.state(group, s.name) })),
      scale,
    }),
  );
  return {
    graph: finishGraph(g.finish([...values, ...assigned, ...zeroSums(g), ...(layout.narrow ? nextScale(g) : [])]), watch),
    hosts: new Map(e.hosts),
  };
}

/** The update of one page, whose state has been brought to the device; `page` counts them. */
export function pageGraph(resolved: Resolved, layout: Layout, page: number): EntryGraph {
  const g = createGraph();
  const e = createElaboration(g, { training: true });
  const { group, elements, state } = layout.pages[page] as Page;
  const outputs = updated(e, g, resolved, layout, {
    name: String(page),
    elements,
    rate: (layout.groups[group] as Group).rate,
    trained: flat.slice(flat.trained(group), page),
    gradient: flat.slice(flat.gradient(group), page),
    state,
    scale: resolved.spec.tune.clip === null ? undefined : storedVector(g, flat.scale, 1),
  });
  return { graph: finishGraph(g.finish(outputs)), hosts: new Map(e.hosts) };
}

/** What follows the last page: the sums go back to zero. */
export function updateEndGraph(layout: Layout): EntryGraph {
  const g = createGraph();
  return { graph: finishGraph(g.finish([...zeroSums(g), ...(layout.narrow ? nextScale(g) : [])])), hosts: new Map() };
}

const storedVector = (g: GraphBuilder, name: string, elements: number): NodeId =>
  g.add('tensor', [], { name, shape: [elements], dtype: 'f32' });

/** What the sums of a step are divided by. */
const counted = (g: GraphBuilder): NodeId => g.add('max', [storedVector(g, flat.count, 1), g.constant(1e-12, [1])]);

/** What the sum of gradients is divided by: the count, and the factor on the loss where there is one. */
const divisor = (g: GraphBuilder, layout: Layout): NodeId =>
  layout.narrow ? g.add('mul', [counted(g), storedVector(g, flat.lossScale, 1)]) : counted(g);

const flagsOf = (g: GraphBuilder): NodeId => g.add('tensor', [], { name: flat.flags, shape: [2], dtype: 'i32' });

/** 1 where a gradient of this step was beyond what 16 bits hold. */
const overflowed = (g: GraphBuilder): NodeId =>
  g.add('cast', [g.add('slice', [flagsOf(g)], { axis: 0, start: 0, length: 1 })], { dtype: 'f32' });

/** Steps without overflow after which the factor on the loss is doubled: PyTorch's GradScaler. */
const growthInterval = 2000;

/** The factor on the loss after this step: half where gradients overflowed, double after enough steps in which none did. */
function nextScale(g: GraphBuilder): Output[] {
  const one = (value: number): NodeId => g.constant(value, [1]);
  const scale = storedVector(g, flat.lossScale, 1);
  const good = g.add('add', [storedVector(g, flat.goodSteps, 1), one(1)]);
  const grow = g.add('less', [one(growthInterval - 0.5), good]);
  const bad = overflowed(g);
  const larger = g.add('min', [g.add('mul', [scale, one(2)]), one(2 ** 24)]);
  const smaller = g.add('max', [g.add('mul', [scale, one(0.5)]), one(2 ** -24)]);
  const next = g.add('select', [bad, smaller, g.add('select', [grow, larger, scale])]);
  const steps = g.add('select', [g.add('max', [bad, grow]), one(0), good]);
  const cleared = g.add('cast', [g.constant(0, [2])], { dtype: 'i32' });
  return [
    { name: 'loss_scale_next', node: next, mode: 'assign', tensor: flat.lossScale },
    { name: 'good_steps', node: steps, mode: 'assign', tensor: flat.goodSteps },
    { name: 'flags_zero', node: cleared, mode: 'assign', tensor: flat.flags },
  ];
}

const zeroSums = (g: GraphBuilder): Output[] => [
  { name: 'loss_zero', node: g.constant(0, [1]), mode: 'assign', tensor: flat.loss },
  { name: 'count_zero', node: g.constant(0, [1]), mode: 'assign', tensor: flat.count },
];

/** What one update changes, by the names of its tensors. */
interface Updating {
  readonly name: string;
  readonly elements: number;
  readonly rate: number;
  readonly trained: string;
  readonly gradient: string;
  readonly state: readonly PageState[];
  /** Factor on the mean gradient, where it is clipped. */
  readonly scale: NodeId | undefined;
}

/** New parameters and state of one range of trained numbers; its gradient goes back to zero. */
function updated(e: Elaboration, g: GraphBuilder, resolved: Resolved, layout: Layout, u: Updating): Output[] {
  const { optimizer, schedule } = resolved;
  const { span } = optimizer.definition.name;
  const { elements } = u;
  const rate = learningRate(optimizer, schedule);
  const mean = g.add('div', [storedVector(g, u.gradient, elements), g.broadcastTo(divisor(g, layout), [elements])]);
  const clipped = u.scale === undefined ? mean : g.add('mul', [mean, g.broadcastTo(u.scale, [elements])]);
  const state = new Map(
    u.state.map((s) => {
      const node = s.format === undefined ? storedVector(g, s.tensor, elements) : toNode(e, decodedWeight(e, s.format, span), span);
      return [s.name, node] as const;
    }),
  );
  const factor: ScalarExpr = u.rate === 1 ? rate : { op: 'mul', args: [rate, u.rate] };
  const trained = storedVector(g, u.trained, elements);
  const next = elaborateUpdate(e, optimizer, factor, trained, clipped, state);
  const bad = layout.narrow ? overflowed(g) : undefined;
  /** A step whose gradients overflowed changes nothing. */
  const unless = (old: NodeId, made: NodeId): NodeId =>
    bad === undefined ? made : g.add('select', [g.broadcastTo(bad, g.node(old).shape), old, made]);
  return [
    { name: `trained.${u.name}`, node: unless(trained, next.p), mode: 'assign', tensor: u.trained },
    ...u.state.flatMap((s): Output[] => {
      const node = next.state.get(s.name) as NodeId;
      const name = `state.${u.name}.${s.name}`;
      const { format } = s;
      if (format === undefined)
        return [{ name, node: unless(storedVector(g, s.tensor, elements), node), mode: 'assign', tensor: s.tensor }];
      const parts = encodedParts(e, format, g.add('reshape', [node], { shape: [format.blocks, format.blockSize] }));
      return format.parts.map((p) => {
        const old = g.add('tensor', [], { name: p.tensor, shape: p.shape, dtype: p.dtype });
        return { name: `${name}.${p.part}`, node: unless(old, parts.get(p.part) as NodeId), mode: 'assign', tensor: p.tensor };
      });
    }),
    { name: `gradient.${u.name}`, node: g.constant(0, [elements]), mode: 'assign', tensor: u.gradient },
  ];
}
