/**
 * @file Weights: the algebra of effective weights. Graph → Graph of the same meaning, before gradients are made, so that
 * the backward pass follows the order chosen here.
 *
 * A product x @ E, where E is an expression over weights, is evaluated in the cheapest order: distributed over sums,
 * scalings of columns moved to the result, numbers to the narrowest product, scalings of rows to x, transposes pushed to the leaves, chains of
 * products reassociated:   x @ (W + s·B@A)ᵀ  =  x @ Wᵀ + (s·(x @ Aᵀ)) @ Bᵀ.
 *
 * Squared lengths of rows and columns,   ‖W + s·B@A‖² = ‖W‖² + 2s·(W@Aᵀ)·B + s²·(B@(A@Aᵀ))·B,   never form the sum either, and rows by
 * index are taken of what a matrix is made of (weight-rows.ts).
 *
 * Cost is Σ 2·m·n·k over the products of the forward and the backward pass (one more for each operand that needs a
 * gradient) and one for each element of an elementwise op. The gradient of a matrix that was formed by a product counts twice:
 * it is as large as the weight, and is written and read again. So a low-rank change is formed only where its rank is
 * a sizeable part (about a third) of the matrix, and what is trained is needed to decide: evaluation must name the
 * same tensors as training to follow the same order.
 */
import { at, type NodeId } from '../ops/op.js';
import { ops } from '../ops/ops.js';
import { rebuild, uniformValue, type GraphBuilder } from './builder.js';
import type { Graph } from './graph.js';
import { simplifying } from './simplify.js';
import { assertSound } from './verify.js';
import { weightForm, type WeightForm } from './weight-form.js';
import { gatherRows } from './weight-rows.js';

/** A way to compute something from x (or from nothing, for a formed matrix), with its cost. */
interface Plan {
  readonly cost: number;
  readonly emit: (x: NodeId) => NodeId;
}

/** What is multiplied from the left: its number of rows, and whether it needs a gradient. */
interface Left {
  readonly rows: number;
  readonly grad: boolean;
}

/** One product on the way through a chain, with the width of its result. */
interface Step extends Plan {
  readonly columns: number;
}

/** A matrix or its transpose. */
interface Factor {
  readonly node: NodeId;
  readonly t: boolean;
}

const formedGradient = 2;

/** The same graph with every product by an effective weight in its cheap order; `trainable` names the tensors that need a gradient. */
export function orderWeights(graph: Graph, trainable: ReadonlySet<string>): Graph {
  assertSound(graph, 'orderWeights');
  let planner: Planner | undefined;
  return rebuild(graph, (g, node, inputs) => {
    planner ??= createPlanner(g, trainable);
    if (node.op === 'matmul' && node.shape.length === 2) return planner.product(at(inputs, 0), at(inputs, 1));
    if (node.op === 'sum')
      return planner.lengths(at(inputs, 0), node.attrs['axes'] as readonly number[]) ?? g.add('sum', inputs, node.attrs);
    if (node.op === 'gather') return planner.rows(at(inputs, 0), at(inputs, 1)) ?? g.add('gather', inputs, node.attrs);
    return g.add(node.op, inputs, node.attrs);
  });
}

interface Planner {
  product(a: NodeId, b: NodeId): NodeId;
  /** The sums of e ∘ e over one axis of a matrix that has a product in it; undefined for everything else. */
  lengths(square: NodeId, axes: readonly number[]): NodeId | undefined;
  /** The rows of a table that is an expression over weights; undefined for a plain one. */
  rows(table: NodeId, ids: NodeId): NodeId | undefined;
}

function createPlanner(g: GraphBuilder, trainable: ReadonlySet<string>): Planner {
  const emit = simplifying(g);
  const grads = new Map<NodeId, boolean>();
  const weights = new Map<NodeId, boolean>();
  const plans = new Map<string, Plan>();
  const formCosts = new Map<NodeId, number>();

  const grad = (id: NodeId): boolean =>
    remember(grads, id, () => {
      const node = g.node(id);
      if (node.op === 'tensor') return trainable.has(node.attrs['name'] as string);
      return !ops[node.op].stops && node.dtype === 'f32' && node.inputs.some(grad);
    });

  /** Whether a node depends on no tensor that the host writes for each batch. */
  const isWeight = (id: NodeId): boolean =>
    remember(weights, id, () => {
      const node = g.node(id);
      return (node.op !== 'input' || node.shape.length === 0) && node.inputs.every(isWeight);
    });

  const rowsOf = (f: Factor): number => at(g.node(f.node).shape, f.t ? 1 : 0);
  const columnsOf = (f: Factor): number => at(g.node(f.node).shape, f.t ? 0 : 1);
  const turned = (f: Factor): NodeId => (f.t ? emit('permute', [f.node], { perm: [1, 0] }) : f.node);
  const multiply = (m: number, k: number, n: number, left: number, right: number): number => 2 * m * k * n * (1 + left + right);

  /** Cost of having the matrix itself. */
  const formCost = (id: NodeId): number =>
    remember(formCosts, id, () => {
      const form = weightForm(g, id);
      const size = at(g.node(id).shape, 0) * at(g.node(id).shape, 1) * (grad(id) ? 2 : 1);
      switch (form.kind) {
        case 'atom':
          return 0;
        case 'transpose':
          return formCost(form.of);
        case 'sum':
          return form.terms.reduce((sum, term) => sum + size + formCost(term.node), 0);
        case 'scale':
          return size + formCost(form.of);
        case 'product': {
          const [m, k] = g.node(form.left).shape as readonly [number, number];
          return (
            formCost(form.left) +
            formCost(form.right) +
            multiply(m, k, at(g.node(form.right).shape, 1), Number(grad(form.left)), Number(grad(form.right)))
          );
        }
        default:
          return form satisfies never;
      }
    });

  /** x times the matrix as it stands. */
  function formed(left: Left, f: Factor): Plan {
    const weight = Number(grad(f.node)) * (hasProduct(f.node) ? formedGradient : 1);
    return {
      cost: formCost(f.node) + multiply(left.rows, rowsOf(f), columnsOf(f), Number(left.grad), weight),
      emit: (x) => emit('matmul', [x, turned(f)]),
    };
  }

  /** The cheapest way to x @ f. */
  function plan(left: Left, f: Factor): Plan {
    return remember(plans, `${f.node} ${f.t} ${left.rows} ${left.grad}`, () => {
      const form = weightForm(g, f.node);
      if (form.kind === 'atom') return formed(left, f);
      if (form.kind === 'transpose') return plan(left, { node: form.of, t: !f.t });
      const spread = structural(left, f, form);
      const whole = formed(left, f);
      return whole.cost < spread.cost ? whole : spread;
    });
  }

  function structural(left: Left, f: Factor, form: Exclude<WeightForm, { kind: 'atom' | 'transpose' }>): Plan {
    switch (form.kind) {
      case 'sum':
        return overSum(left, f, form.terms);
      case 'scale':
        return form.along === 'all' && isProduct(form.of) ? overChain(left, f) : overScale(left, f, form);
      case 'product':
        return overChain(left, f);
      default:
        return form satisfies never;
    }
  }

  function overSum(left: Left, f: Factor, terms: readonly { readonly node: NodeId; readonly minus: boolean }[]): Plan {
    const parts = terms.map((term) => ({ minus: term.minus, plan: plan(left, { node: term.node, t: f.t }) }));
    const shape = [left.rows, columnsOf(f)];
    return {
      cost: parts.reduce((sum, part) => sum + part.plan.cost, 0) + Math.max(0, parts.length - 1) * left.rows * columnsOf(f),
      emit: (x) => {
        let sum: NodeId | undefined;
        for (const part of parts) {
          const value = part.plan.emit(x);
          if (sum === undefined) sum = part.minus ? emit('neg', [value]) : value;
          else sum = emit(part.minus ? 'sub' : 'add', [sum, value]);
        }
        return sum ?? g.constant(0, shape);
      },
    };
  }

  /** `value`, scaled as the columns of a matrix, by what scaled the matrix along those columns (or everywhere). */
  function scaleColumns(value: NodeId, form: Extract<WeightForm, { kind: 'scale' }>, t: boolean): NodeId {
    const by = g.node(form.by);
    const shape = g.node(value).shape;
    const number = uniformValue(g, form.by);
    if (number !== undefined) return emit(form.op, [value, g.constant(number, shape)]);
    const narrow = by.op === 'broadcast' ? at(by.inputs, 0) : form.by;
    const row = form.along !== 'all' && t ? emit('reshape', [narrow], { shape: [...g.node(narrow).shape].reverse() }) : narrow;
    return emit(form.op, [value, emit('broadcast', [row], { shape })]);
  }

  function overScale(left: Left, f: Factor, form: Extract<WeightForm, { kind: 'scale' }>): Plan {
    const scaleGrad = grad(form.by);
    if (form.along === 'all' || (form.along === 'columns') !== f.t) {
      const inner = plan(left, { node: form.of, t: f.t });
      const passes = 1 + Number(left.grad || grad(form.of)) + Number(scaleGrad);
      return { cost: inner.cost + left.rows * columnsOf(f) * passes, emit: (x) => scaleColumns(inner.emit(x), form, f.t) };
    }
    const inner = plan({ rows: left.rows, grad: left.grad || scaleGrad }, { node: form.of, t: f.t });
    const passes = 1 + Number(left.grad) + Number(scaleGrad);
    return { cost: inner.cost + left.rows * rowsOf(f) * passes, emit: (x) => inner.emit(scaleColumns(x, form, !f.t)) };
  }

  /** The factors of a product from left to right, and the numbers that multiply it. */
  function flatten(f: Factor, numbers: Extract<WeightForm, { kind: 'scale' }>[]): Factor[] {
    const form = weightForm(g, f.node);
    if (form.kind === 'transpose') return flatten({ node: form.of, t: !f.t }, numbers);
    if (form.kind === 'product') {
      const both = [form.left, form.right].map((node) => ({ node, t: f.t }));
      return (f.t ? both.reverse() : both).flatMap((part) => flatten(part, numbers));
    }
    if (form.kind !== 'scale' || form.along !== 'all' || !isProduct(form.of)) return [f];
    numbers.push(form);
    return flatten({ node: form.of, t: f.t }, numbers);
  }

  function hasProduct(id: NodeId): boolean {
    const form = weightForm(g, id);
    switch (form.kind) {
      case 'atom':
        return false;
      case 'product':
        return true;
      case 'sum':
        return form.terms.some((term) => hasProduct(term.node));
      case 'transpose':
      case 'scale':
        return hasProduct(form.of);
      default:
        return form satisfies never;
    }
  }

  function isProduct(id: NodeId): boolean {
    const form = weightForm(g, id);
    return (
      form.kind === 'product' || ((form.kind === 'transpose' || (form.kind === 'scale' && form.along === 'all')) && isProduct(form.of))
    );
  }

  /** x @ f₁ @ … @ fₙ: x takes one factor after the other, or several that are multiplied first. */
  function overChain(left: Left, f: Factor): Plan {
    const numbers: Extract<WeightForm, { kind: 'scale' }>[] = [];
    const factors = flatten(f, numbers);
    const between = formChains(factors);
    const best: { readonly cost: number; readonly steps: readonly Step[] }[] = [{ cost: 0, steps: [] }];
    for (let j = 1; j <= factors.length; j += 1) {
      let choice: (typeof best)[number] | undefined;
      for (let i = j - 1; i >= 0; i -= 1) {
        const before = at(best, i);
        const step = stepOver(
          { rows: left.rows, grad: left.grad || factors.slice(0, i).some((one) => grad(one.node)) },
          factors,
          i,
          j,
          between,
        );
        const cost = before.cost + step.cost;
        if (choice === undefined || cost < choice.cost)
          choice = { cost, steps: [...before.steps, { ...step, columns: columnsOf(at(factors, j - 1)) }] };
      }
      if (choice) best.push(choice);
    }
    const { cost, steps } = at(best, factors.length);
    return scaleNarrowest({ cost, steps }, numbers, left.rows);
  }

  /** The steps one after the other; numbers multiply the narrowest result on the way, so that the wide ones, forward and
   * backward, stay free of them. */
  function scaleNarrowest(
    chain: { readonly cost: number; readonly steps: readonly Step[] },
    numbers: readonly Extract<WeightForm, { kind: 'scale' }>[],
    rows: number,
  ): Plan {
    const columns = Math.min(...chain.steps.map((step) => step.columns));
    const place = chain.steps.findIndex((step) => step.columns === columns);
    return {
      cost: chain.cost + numbers.length * rows * columns * 2,
      emit: (x) =>
        chain.steps.reduce((value, step, i) => {
          const next = step.emit(value);
          return i === place ? numbers.reduce((scaled, number) => scaleColumns(scaled, number, false), next) : next;
        }, x),
    };
  }

  function stepOver(left: Left, factors: readonly Factor[], i: number, j: number, between: (i: number, j: number) => Plan): Plan {
    if (j === i + 1) return plan(left, at(factors, i));
    const matrix = between(i, j);
    const needs = factors.slice(i, j).some((one) => grad(one.node));
    const cost =
      matrix.cost +
      multiply(left.rows, rowsOf(at(factors, i)), columnsOf(at(factors, j - 1)), Number(left.grad), Number(needs) * formedGradient);
    return { cost, emit: (x) => emit('matmul', [x, matrix.emit(x)]) };
  }

  /** The cheapest way to the product of factors i up to j, without x. */
  function formChains(factors: readonly Factor[]): (i: number, j: number) => Plan {
    const memo = new Map<string, Plan>();
    const needs = (i: number, j: number): number => Number(factors.slice(i, j).some((one) => grad(one.node)));
    const between = (i: number, j: number): Plan =>
      remember(memo, `${i} ${j}`, () => {
        const first = at(factors, i);
        if (j === i + 1) return { cost: formCost(first.node), emit: () => turned(first) };
        let choice: Plan | undefined;
        for (let k = i + 1; k < j; k += 1) {
          const [a, b] = [between(i, k), between(k, j)];
          const cost =
            a.cost + b.cost + multiply(rowsOf(first), rowsOf(at(factors, k)), columnsOf(at(factors, j - 1)), needs(i, k), needs(k, j));
          if (choice === undefined || cost < choice.cost) choice = { cost, emit: (x) => emit('matmul', [a.emit(x), b.emit(x)]) };
        }
        return choice as Plan;
      });
    return between;
  }

  function product(a: NodeId, b: NodeId): NodeId {
    if (isWeight(b)) return plan({ rows: at(g.node(a).shape, 0), grad: grad(a) }, { node: b, t: false }).emit(a);
    if (!isWeight(a)) return g.add('matmul', [a, b]);
    // E @ y = (yᵀ @ Eᵀ)ᵀ, worth the transposes only where E has a structure.
    const form = weightForm(g, a);
    if (form.kind === 'atom' || (form.kind === 'transpose' && weightForm(g, form.of).kind === 'atom')) return g.add('matmul', [a, b]);
    const mirrored = plan({ rows: at(g.node(b).shape, 1), grad: grad(b) }, { node: a, t: true }).emit(
      emit('permute', [b], { perm: [1, 0] }),
    );
    return emit('permute', [mirrored], { perm: [1, 0] });
  }

  /** A term of a sum: a chain of factors with the number that multiplies it. */
  interface Term {
    readonly factors: readonly Factor[];
    readonly number: number;
  }

  /** The terms of a matrix; undefined where a factor on it is no plain number. */
  function termsOf(f: Factor, number: number): Term[] {
    const form = weightForm(g, f.node);
    if (form.kind === 'transpose') return termsOf({ node: form.of, t: !f.t }, number);
    if (form.kind === 'sum') return form.terms.flatMap((term) => termsOf({ node: term.node, t: f.t }, term.minus ? -number : number));
    const by = form.kind === 'scale' && form.along === 'all' ? uniformValue(g, form.by) : undefined;
    if (form.kind === 'scale' && by !== undefined) return termsOf({ node: form.of, t: f.t }, form.op === 'mul' ? number * by : number / by);
    if (form.kind !== 'product') return [{ factors: [f], number }];
    const numbers: Extract<WeightForm, { kind: 'scale' }>[] = [];
    const factors = flatten(f, numbers);
    const product = numbers.reduce((n, one) => {
      const value = uniformValue(g, one.by);
      return value === undefined ? NaN : one.op === 'mul' ? n * value : n / value;
    }, number);
    return [Number.isNaN(product) ? { factors: [f], number } : { factors, number: product }];
  }

  function lengths(square: NodeId, axes: readonly number[]): NodeId | undefined {
    const node = g.node(square);
    const [e, other] = node.inputs;
    if (
      node.op !== 'mul' ||
      e === undefined ||
      e !== other ||
      node.shape.length !== 2 ||
      axes.length !== 1 ||
      !isWeight(e) ||
      !hasProduct(e)
    )
      return undefined;
    const terms = termsOf({ node: e, t: axes[0] === 0 }, 1);
    const parts = terms.flatMap((a, i) =>
      terms.slice(i).map((b, j) => scaled(rowDot(a.factors, b.factors), a.number * b.number * (j === 0 ? 1 : 2))),
    );
    return parts.reduce((sum, part) => emit('add', [sum, part]));
  }

  const scaled = (value: NodeId, number: number): NodeId =>
    number === 1 ? value : emit('mul', [value, g.constant(number, g.node(value).shape)]);

  /** Σ over columns of a ∘ b, both chains of factors:   a · (c₁ @ c₂) = (a @ c₂ᵀ) · c₁. */
  function rowDot(a: readonly Factor[], b: readonly Factor[]): NodeId {
    const [chain, rest] = b.length > 1 ? [b, a] : [a, b];
    const [first, ...after] = chain;
    const all = [...rest, ...[...after].reverse().map((f) => ({ node: f.node, t: !f.t }))];
    const left = formChains(all)(0, all.length).emit(0);
    return emit('sum', [emit('mul', [left, turned(first as Factor)])], { axes: [1] });
  }

  function rows(table: NodeId, ids: NodeId): NodeId | undefined {
    return isWeight(table) && g.node(table).shape.length === 2 && ['add', 'sub', 'mul', 'div', 'matmul', 'neg'].includes(g.node(table).op)
      ? gatherRows(g, emit, table, ids)
      : undefined;
  }

  return { product, lengths, rows };
}

function remember<K, V>(memo: Map<K, V>, key: K, make: () => V): V {
  const known = memo.get(key);
  if (known !== undefined) return known;
  const value = make();
  memo.set(key, value);
  return value;
}
