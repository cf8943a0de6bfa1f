/**
 * @file Cases of syntax errors. Under the line with an error stands a line of `^` at its place, its code and message;
 * a line that begins with `help:` or `note:` adds those. What is not marked must not be reported.
 */

/** One text with its marks. */
export interface SyntaxCase {
  readonly name: string;
  readonly marked: string;
}

/** All cases. */
export const syntaxCases: readonly SyntaxCase[] = [
  {
    name: 'a value is missing at the end of a line',
    marked: `
def f(x) =
          ^ PEFT0005 expected a value after \`=\`
def g(x) = x
`,
  },
  {
    name: 'a value is missing before a bracket, and an operator lacks its operand',
    marked: `
module m() {
  a = f(b, c +)
              ^ PEFT0005 expected a value after \`+\`
  b = [1, 2
      ^ PEFT0008 this \`[\` is never closed
      note: \`]\` was expected here
  c = 3
}
`,
  },
  {
    name: 'several errors in one definition, each reported once',
    marked: `
model m(a: Int {
               ^ PEFT0006 expected \`,\` or \`)\` after \`Int\`
               note: \`(\` stands here
  parm b: [x] = zeros()
  ^^^^ PEFT0010 \`parm\` opens no statement
  help: did you mean \`param\`?
  let a b
        ^ PEFT0006 expected \`=\` after \`a\`
  forward(x: [b t]) {
                ^ PEFT0006 expected \`,\` or \`]\` after \`b\`
                note: \`[\` stands here
    x +
       ^ PEFT0005 expected a value after \`+\`
  }
  forr i in xs { y }
  ^^^^ PEFT0010 \`forr\` opens no statement
  help: did you mean \`for\`?
  require a > 0
               ^ PEFT0006 expected \`,\` and a message after the condition
               help: write \`require condition, "what is wrong"\`
}
`,
  },
  {
    name: 'misspelt statements of an experiment',
    marked: `
experiment e {
  base b form hub("x")
         ^^^^ PEFT0006 expected \`from\` after \`b\`
         help: did you mean \`from\`?
  adpat attention with a()
  ^^^^^ PEFT0010 unknown statement \`adpat\`
  help: did you mean \`adapt\`?
  adapt attention wit a()
                  ^^^ PEFT0006 expected \`with\` after \`attention\`
                  help: did you mean \`with\`?
  adapt attention.{query key} with a()
                         ^^^ PEFT0006 expected \`,\` or \`}\` after \`query\`
                         note: \`{\` stands here
  adapt with a()
             ^ PEFT0006 expected \`with\` after \`with\`
  epochs: 3
  ^^^^^^ PEFT0010 unknown statement \`epochs\`
  help: an experiment is made of \`base\`, \`quantize\`, \`adapt\`, \`train\`, \`data\`, \`tune\`, \`budget\`
  train head
}
`,
  },
  {
    name: 'broken fields leave the others alone',
    marked: `
experiment e {
  data { train tsv("a", take: 1)  eval: 3
               ^^^ PEFT0006 expected \`:\` after \`train\`
    text: ,
          ^ PEFT0005 expected a value after \`:\`
    label: "a" )
               ^ PEFT0009 this \`)\` closes nothing
  }
  tune { epochs: 3 batch: }
                          ^ PEFT0005 expected a value after \`:\`
}
`,
  },
  {
    name: 'a missing brace does not hide what follows',
    marked: `
module k() {
  f(x) {
       ^ PEFT0008 this \`{\` is never closed
       note: \`}\` was expected here
    let y = 1
    for i in z {
      a = i
    }
  part p = q()
}
experiment e {
  train
       ^ PEFT0007 expected the role or the name of a module after \`train\`
}
def f(x = x
     ^ PEFT0008 this \`(\` is never closed
     note: \`)\` was expected here
def g(x) = x x
             ^ PEFT0010 expected a definition, an experiment or an import, not \`x\`
             help: a file is made of \`import\`, \`experiment\`, \`sweep\`, \`def\`, \`module\`, \`model\`, \`adapter\`, \`optimizer\`, \`schedule\`, \`task\`, \`format\`
`,
  },
  {
    name: 'misspelt items',
    marked: `
experimnt a { train head }
^^^^^^^^^ PEFT0010 expected a definition, an experiment or an import, not \`experimnt\`
help: did you mean \`experiment\`?
adaptr b() {}
^^^^^^ PEFT0010 expected a definition, an experiment or an import, not \`adaptr\`
help: did you mean \`adapter\`?
def c() = 1
}
^ PEFT0009 this \`}\` closes nothing
def d() = 1
`,
  },
  {
    name: 'names and types',
    marked: `
def then(x) = x
    ^^^^ PEFT0007 expected a name after \`def\`
    help: \`then\` is a word of the language
def f(x: ) = x
         ^ PEFT0013 expected a type after \`:\`
def g(x: Int |) = x
              ^ PEFT0013 expected a type after \`|\`
def h(x) x
         ^ PEFT0006 expected \`=\` or \`{\` after \`)\`
import
      ^ PEFT0007 expected what to import after \`import\`
      help: write \`import std.adapters.{name}\` or \`import "./file.peft".{name}\`
import a.{b as}
              ^ PEFT0007 expected a name after \`as\`
import a.{b} as c
             ^^ PEFT0009 \`as\` gives one imported name another name
             help: write it behind the name: \`.{name as other}\`
`,
  },
  {
    name: 'characters, numbers and strings',
    marked: `
def a() = 1;
           ^ PEFT0001 unexpected \`;\`
           help: statements end with their line; leave the \`;\` out
def b() = 'x'
          ^ PEFT0001 unexpected \`'\`
          help: strings stand in double quotes: "…"
def c() = 010
          ^^^ PEFT0003 a number does not begin with 0
          help: write \`10\`
def d() = 1__0 + 1_ + 1e999
          ^^^^ PEFT0003 \`_\` stands between two digits of a number
                 ^^ PEFT0003 \`_\` stands between two digits of a number
                      ^^^^^ PEFT0003 this number is too large
def e() = "a\\q" + "\\u{110000}"
            ^^ PEFT0004 unknown escape \`\\q\` in a string
            help: the escapes are \\n, \\t, \\", \\\\ and \\u{…}
                   ^^^^^^^^^^ PEFT0004 unknown escape \`\\u{110000}\` in a string
                   help: the escapes are \\n, \\t, \\", \\\\ and \\u{…}
def f() = "open
          ^^^^^ PEFT0002 this string has no end on its line
          help: close it with \`"\`; a line break inside a string is written \`\\n\`
def g() = 1 # why
            ^ PEFT0001 unexpected \`#\`
            help: comments begin with \`//\`
experiment h { adapt layers[0.5] with a() }
                            ^^^ PEFT0003 the index of a layer is a whole number
module i() { part a = b() role layers[0] }
                                      ^ PEFT0014 a role has no index
                                      help: give the index to the part: \`part layers[i < n] = …\`
`,
  },
  {
    name: 'chains',
    marked: `
def f(x) = 0 <= x < 3
                  ^ PEFT0011 comparisons do not chain
                  help: write \`and x < …\`
def g(x) = 0..x..3
               ^^ PEFT0011 ranges do not chain
def h(x) = (0 <= x) == (x < 3)
`,
  },
];
