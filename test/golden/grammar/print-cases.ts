/** @file Cases of the formatter: what is written and what it becomes. `same` prints as itself. */

/** A text and its canonical form. */
export interface PrintCase { readonly name: string; readonly written: string; readonly printed: string }

const same = (name: string, text: string): PrintCase => ({ name, written: text, printed: text });

/** All cases. */
export const printCases: readonly PrintCase[] = [
  same('an empty file', ''),
  { name: 'spaces and blank lines alone', written: ' \n\n\t\n', printed: '' },
  same('a file of comments', '//! head\n\n// one\n\n// two\n'),
  {
    name: 'imports',
    written: `import  std.adapters . { lora ,dora  as d }\nimport std.optim.{adamw}\n\n\nimport std.optim.sgd as plain // why\nimport "./mine.peft".{foo}\nimport "./all.peft"\ndef f()=1`,
    printed: `import std.adapters.{lora, dora as d}\nimport std.optim.adamw\n\nimport std.optim.sgd as plain // why\nimport "./mine.peft".{foo}\nimport "./all.peft"\n\ndef f() = 1\n`,
  },
  {
    name: 'an experiment with every statement',
    written: `/// Doc.
experiment a {
  base bert from hub("x", revision: "77c8b3d") with (dropout: 0%) for classify(labels: 2)
  adapt attention.{query, key} + mlp except layers[0..2, 5].mlp with lora(rank: 8)  // later wins
  adapt "bert.*.dense" and (layers[1] + head) with lora(rank: 4,)
  train *

  data { train: tsv("a.tsv", take: 1000)  text: "document"
  max_length: 128   tokens }
  tune { epochs: 3, batch: 16
  }
  budget { gpu_memory: 8GiB   trainable: 2% }
}
experiment b = a {
  adapt mlp with dora(rank: 8) }`,
    printed: `/// Doc.
experiment a {
  base bert from hub("x", revision: "77c8b3d") with (dropout: 0%) for classify(labels: 2)
  adapt attention.{query, key} + mlp except layers[0..2, 5].mlp with lora(rank: 8) // later wins
  adapt "bert.*.dense" and (layers[1] + head) with lora(rank: 4)
  train *

  data {
    train: tsv("a.tsv", take: 1000)
    text: "document"
    max_length: 128 tokens
  }
  tune { epochs: 3  batch: 16 }
  budget { gpu_memory: 8 GiB  trainable: 2% }
}

experiment b = a { adapt mlp with dora(rank: 8) }
`,
  },
  {
    name: 'a definition with every part of a head',
    written: `adapter a ( rank : Int>=1<=8=8, x:Float|none>0 = none, s: Steps >= 1 steps = 10 steps ) on linear( in , out ) is m(in) for "A" or "B" : [ .. , n * 2 ] { }`,
    printed: `adapter a(
  rank: Int >= 1 <= 8 = 8,
  x: Float | none > 0 = none,
  s: Steps >= 1 steps = 10 steps
) on linear(in, out) is m(in) for "A" or "B": [.., n * 2] {}
`,
  },
  same(
    'members',
    `module m(in: Int) {
  param W: [out, in] = normal(std: 0.02) as "weight" or "gamma" if bias
  train a
  frozen b: Int[..]
  shared frozen c = zeros() if x
  state m = 0.0
  part layers[i < n - 1] = layer(i) as "h.{i}" role attention.{query, key}.x fresh if not tied
  part in = q()
  let x: [b, t] = y
  let in = 1
  x = x + 1
  y: [n] = x
  for layer in layers { x = layer(x) }
  for i in 0..n {
    a = i
    b = a
  }
  require in % 2 == 0, "{in} is odd"
  use lora(rank, alpha)
  task classify { logits = x }
  foreign { r: rank  a: b }
  metrics {}
  forward(x: [.., in]): [.., out] = x @ W.T
  update(p, g) {
    p = p - g
    p
  }
  update(p)
  -x
  (a + b)[0]
  [1, 2]
  x
}
`,
  ),
  same(
    'names that are keywords elsewhere',
    `module m(in: Int, for: Int, as: Int, role: Int, train: Int) {
  part a = b(in, in: in)
  role = 1
  part c = b() as "x"
  as = 2
  fresh = train + state * part
  let use = if from then with else on
  let base = let.in.for(is)[param, import]
  min(in, train)
}
`,
  ),
  {
    name: 'brackets only where they are needed',
    written: `def f(x) = ((a * b) + (c)) * (d - (e - f)) - ((g - h) - i) + (a ** b) ** c ** (d ** e) + (-a) ** b - (-(a ** b)) + -(a + b)`,
    printed: `def f(x) = (a * b + c) * (d - (e - f)) - (g - h - i) + (a ** b) ** c ** d ** e + (-a) ** b - -a ** b + -(a + b)\n`,
  },
  {
    name: 'the logic levels',
    written: `def f(x) = ((a or b) and c) or (not (a and b)) and (not (a == b)) == (not c) and (a ?? (b ?? c)) < ((a .. b) ?? c) and ((x in y) == z)`,
    printed: `def f(x) = (a or b) and c or not (a and b) and (not a == b) == (not c) and a ?? (b ?? c) < a..b ?? c and (x in y) == z
`,
  },
  {
    name: 'units',
    written: `def f() = [8GiB, 10%, 10 % 3, 10%x, 10 %x, 100 steps, 1_000, 2e-5, 0.5 s, x[0:3], x[(8 B):3], x[-1:, ..]]`,
    printed: `def f() = [8 GiB, 10%, 10 % 3, 10 % x, 10 % x, 100 steps, 1_000, 2e-5, 0.5 s, x[0:3], x[(8 B):3], x[-1:, ..]]\n`,
  },
  {
    name: 'numbers before words that are no unit',
    written: `module m() {
  state a = 8 as "x"
  state b = 8 if x
  let c = 8 let d = 9
  e = 8 f = 9
  g = 8
  steps = 9
  8 h(x)
  y = 8 in [1] }`,
    printed: `module m() {
  state a = 8 as "x"
  state b = 8 if x
  let c = 8
  let d = 9
  e = 8
  f = 9
  g = 8
  steps = 9
  8
  h(x)
  y = 8 in [1]
}
`,
  },
  {
    name: 'a minus first on its line',
    written: `module m() {
  a = b
  -c
  a = b
  - c
  a = (b
  -c)
  a = f(b
  -c, [d
  -e])
}`,
    printed: `module m() {
  a = b
  -c
  a = b - c
  a = b - c
  a = f(b - c, [d - e])
}
`,
  },
  { name: 'an opening bracket on the next line begins a member', written: 'module m() {\n  a = b\n  (c)\n  d\n  [e]\n}', printed: 'module m() {\n  a = b\n  c\n  d\n  [e]\n}\n' },
  {
    name: 'strings and their escapes',
    written: String.raw`def f() = ["a\"b\\c\n\t\u{e9}\u{1f600}\u{7}", "{x} 한국어 // no comment", ""]`,
    printed: String.raw`def f() = ["a\"b\\c\n\té😀\u{7}", "{x} 한국어 // no comment", ""]` + '\n',
  },
  {
    name: 'conditions',
    written: `def f(x) { let y = if a then b else c
  if aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa then bbbbbbbbbbbbbbbbbbbbbbbbbbb else if ccccccccccccccccccccccccccc then ddddddddddddddddddd else eeeeeeeee
  if a then { let b = c
   b } else c
  if (if a then b else c) then (if d then e else f) else (if g then h else i)
  }`,
    printed: `def f(x) {
  let y = if a then b else c
  if aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa then bbbbbbbbbbbbbbbbbbbbbbbbbbb
  else if ccccccccccccccccccccccccccc then ddddddddddddddddddd
  else eeeeeeeee
  if a then {
    let b = c
    b
  }
  else c
  if if a then b else c then (if d then e else f) else if g then h else i
}
`,
  },
  {
    name: 'long lines',
    written: `def attention_with_a_long_name(query: [b, h, t, d], key: [b, g, s, d], value: [b, g, s, d], bias, scale: Float): [b, h, t, d] = x
def short(x) = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa * bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb + ccccccccccccccccccccccccccccccccccccc - d
def g(x) = some_function(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, cccccccccccccccccc, ddd)
def h(x) = some_function(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, ccccccccccccccccccccccccccc, ddddddddddddd)`,
    printed: `def attention_with_a_long_name(
  query: [b, h, t, d],
  key: [b, g, s, d],
  value: [b, g, s, d],
  bias,
  scale: Float
): [b, h, t, d] = x

def short(x) =
  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa * bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
  + ccccccccccccccccccccccccccccccccccccc
  - d

def g(x) =
  some_function(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, cccccccccccccccccc, ddd)

def h(x) = some_function(
  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,
  bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,
  ccccccccccccccccccccccccccc,
  ddddddddddddd
)
`,
  },
  {
    name: 'comments everywhere',
    written: `// licence
//! header
// first
/// doc
def f( // of x
  /// what x is
  x, // after x
  // before y
  y) = x + // in the middle
  y // end

// alone

model m() { // opening
  // before a

  a = [1, // one
    // two
    2
  ]
  /// doc of g
  // plain
  g(x) {
    // only a comment
  } // after g


  // last
}
experiment e { train head // why
  data { // rows
    a: 1 // one
    // end of data
  }
}
// tail`,
    printed: `// licence
//! header

// first
// in the middle
/// doc
def f(
  // of x
  /// what x is
  x, // after x
  // before y
  y
) = x + y // end

// alone

model m() {
  // opening
  // before a

  a = [
    1, // one
    // two
    2
  ]
  // plain
  /// doc of g
  g(x) {
    // only a comment
  } // after g

  // last
}

experiment e {
  train head // why
  data {
    // rows
    a: 1 // one
    // end of data
  }
}

// tail
`,
  },
];
