/**
 * @file Instances: the tree of modules that a model definition becomes once its configuration is read, with the tensors,
 * roles and checkpoint paths of each, and the adapter that sits on it.
 */
import type { Definition, Expr, Member } from '../../grammar/ast.js';
import type { Span } from '../../grammar/diagnostics.js';
import type { Init } from '../plan/program.js';
import type { Scope } from './scope.js';
import type { Value } from './value.js';

/** One tensor of a module or an adapter. */
export interface StorageInstance {
  /** Name in the language: `W`, `A`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'f32' | 'i32';
  /** Names of the tensor in its file, the first is the canonical one: `pooler.dense.weight`. */
  readonly keys: readonly string[];
  readonly init: StorageInit;
  readonly doc: string;
  readonly span: Span;
}

/** How a tensor gets its first value: drawn, made by the host, or computed from other tensors when those are there. */
export type StorageInit = Init | { readonly kind: 'expression'; readonly expr: Expr };

/** One step of a role: `attention`, or `layers` with its index. */
export interface RolePart {
  readonly name: string;
  readonly index?: number;
}

/** A module with its place, tensors and parts. */
export interface ModuleInstance {
  readonly definition: Definition;
  /** Where the module stands in the checkpoint: `encoder.layer.0.attention.self.query`. */
  readonly path: string;
  readonly params: ReadonlyMap<string, Value>;
  /** Every kind of module this one is, itself first, with the parameters of that kind in order. */
  readonly kinds: readonly { readonly name: string; readonly args: readonly Value[] }[];
  /** Roles from the root of the model; several where one module does several things. */
  readonly roles: readonly (readonly RolePart[])[];
  readonly storage: readonly StorageInstance[];
  readonly parts: ReadonlyMap<string, ModuleInstance | readonly ModuleInstance[]>;
  /** May be newly made where the checkpoint does not have it. */
  readonly fresh: boolean;
  /** Members evaluated on demand. */
  readonly members: readonly Member[];
  /** Scope of the file that defines it. */
  readonly globals: Scope;
}

/** Prefix of the tensors of a model in PEFT's files. */
export const keyPrefix = 'base_model.model.';

/** A tensor that an adapter brings. */
export interface AdapterTensor extends StorageInstance {
  readonly storage: 'train' | 'frozen';
  /** One tensor for every site of the method; its key is its whole name in the file. */
  readonly shared: boolean;
  /** Whether it is written to the adapter's file; what has no name there can be made again. */
  readonly stored: boolean;
  /** Its keys in the adapter's file: those that are written, each with other names it may have. */
  readonly files: readonly (readonly [string, ...string[]])[];
  /** Factor on the learning rate. */
  readonly rate: number;
}

/** A tensor of the site itself that an adapter trains in place. */
export interface OwnTensor {
  readonly tensor: StorageInstance;
  /** Its key in the adapter's file, without the prefix that every key has. */
  readonly key: string;
}

/** A tensor of the adapter's file that is computed from others when it is written. */
export interface SavedTensor {
  readonly name: string;
  readonly key: string;
  readonly value: Expr;
  readonly dtype: 'f32' | 'i32';
}

/** Which of the sites of a method one is, and the largest value of each parameter of the site among them. */
export interface SitePlace {
  readonly index: number;
  readonly count: number;
  readonly largest: ReadonlyMap<string, Value>;
}

/** An adapter on a site. */
export interface AdapterInstance {
  readonly definition: Definition;
  readonly site: ModuleInstance;
  readonly place: SitePlace;
  readonly params: ReadonlyMap<string, Value>;
  readonly storage: readonly AdapterTensor[];
  readonly own: readonly OwnTensor[];
  readonly saved: readonly SavedTensor[];
  readonly members: readonly Member[];
  readonly globals: Scope;
}

/** A definition called with its arguments: a task, an optimiser, a schedule, a method. */
export interface BoundDefinition {
  readonly definition: Definition;
  /** The scope the definition was written in. */
  readonly scope: Scope;
  readonly args: ReadonlyMap<string, Value>;
  /** Where each argument is written; the others are defaults. */
  readonly spans: ReadonlyMap<string, Span>;
}

/** The kind that every module is of, for adapters that act on any: `on module`. */
export const anyKind = 'module';

/** Every module of a tree, parents before children, in the order of declaration. */
export function allModules(root: ModuleInstance): ModuleInstance[] {
  const found: ModuleInstance[] = [];
  const walk = (module: ModuleInstance): void => {
    found.push(module);
    for (const part of module.parts.values()) {
      if (Array.isArray(part)) for (const one of part as readonly ModuleInstance[]) walk(one);
      else walk(part as ModuleInstance);
    }
  };
  walk(root);
  return found;
}

/** A role as it is written: `layers[3].attention.query`. */
export const showRole = (role: readonly RolePart[]): string =>
  role.map((p) => (p.index === undefined ? p.name : `${p.name}[${p.index}]`)).join('.');
